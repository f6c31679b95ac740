import { intAttribute } from '../../../../onnx/attributes.ts';
import { type ChannelRule, type ChannelStep, channelsAlong, input, output } from './rule.ts';

/** Weights, and the bias if there is one, make these channels. */
function makes(step: ChannelStep, ids: readonly number[], axis: number): void {
  step.channels.tie(input(step, 1), axis, ids, true);
  if (input(step, 2) !== '') step.channels.tie(input(step, 2), 0, ids, true);
  step.channels.set(output(step), { axis: 1, ids });
}

/**
 * Dense: the weight's axis 1 is tied to the input, axis 0 and the bias to new channels. Depthwise: channels pass, and
 * carry their filter along. Grouped: every group loses the same places, so equal offsets of all groups are one channel.
 */
export const convolution: ChannelRule = (step) => {
  const { node, channels } = step;
  const weight = step.constant(input(step, 1));
  if (weight === undefined) return false;
  const [outChannels = 0, perGroup = 0] = weight.dims;
  const groups = intAttribute(node, 'group', 1);
  const from = channelsAlong(step, input(step, 0), 1, perGroup * groups);
  if (groups === 1) {
    channels.tie(input(step, 1), 1, from);
    makes(step, channels.fresh(outChannels), 0);
    return true;
  }
  if (groups === from.length && outChannels === from.length) {
    makes(step, from, 0);
    return true;
  }
  const made = channels.fresh(outChannels);
  for (const [ids, width] of [
    [from, perGroup],
    [made, outChannels / groups],
  ] as const) {
    for (let g = 1; g < groups; g++) channels.unite(ids.slice(0, width), ids.slice(g * width, (g + 1) * width));
  }
  channels.tie(input(step, 1), 1, from.slice(0, perGroup));
  makes(step, made, 0);
  return true;
};

/** As a convolution, its weights stored the other way round. */
export const transposedConvolution: ChannelRule = (step) => {
  const weight = step.constant(input(step, 1));
  if (weight === undefined || intAttribute(step.node, 'group', 1) !== 1) return false;
  const [inChannels = 0, outChannels = 0] = weight.dims;
  step.channels.tie(input(step, 1), 0, channelsAlong(step, input(step, 0), 1, inChannels));
  makes(step, step.channels.fresh(outChannels), 1);
  return true;
};

/** A'B' + C over the last axis of a `[N, K]` input. */
export const gemm: ChannelRule = (step) => {
  const { node, channels } = step;
  const weight = step.constant(input(step, 1));
  if (weight === undefined || intAttribute(node, 'transA', 0) === 1) return false;
  const transposed = intAttribute(node, 'transB', 0) === 1;
  const from = channelsAlong(step, input(step, 0), 1, weight.dims[transposed ? 1 : 0] ?? 0);
  const made = channels.fresh(weight.dims[transposed ? 0 : 1] ?? 0);
  channels.tie(input(step, 1), transposed ? 1 : 0, from);
  channels.tie(input(step, 1), transposed ? 0 : 1, made, true);
  const bias = step.constant(input(step, 2));
  if (bias !== undefined && bias.dims.at(-1) === made.length) {
    channels.tie(input(step, 2), bias.dims.length - 1, made, true);
  } else if (input(step, 2) !== '' && bias?.dims.at(-1) !== 1) channels.freeze(made);
  channels.set(output(step), { axis: 1, ids: made });
  return true;
};

/** Constant weights `[K, M]` applied to the last axis of tokens `[..., K]`. */
export const matMul: ChannelRule = (step) => {
  const { channels } = step;
  const weight = step.constant(input(step, 1));
  const rank = step.shape(input(step, 0))?.length;
  if (weight?.dims.length !== 2 || rank === undefined || rank < 2) return false;
  const [inputs = 0, outputs = 0] = weight.dims;
  channels.tie(input(step, 1), 0, channelsAlong(step, input(step, 0), rank - 1, inputs));
  const made = channels.fresh(outputs);
  channels.tie(input(step, 1), 1, made, true);
  channels.set(output(step), { axis: rank - 1, ids: made });
  return true;
};

/** Parameters of one number a channel of axis 1: BatchNormalization has 4 of them, InstanceNormalization 2. */
const normalization =
  (parameters: number): ChannelRule =>
  (step) => {
    const { channels } = step;
    const width = step.constant(input(step, 1))?.dims[0];
    if (width === undefined) return false;
    const ids = channelsAlong(step, input(step, 0), 1, width);
    for (let i = 1; i <= parameters; i++) channels.tie(input(step, i), 0, ids);
    channels.set(output(step), { axis: 1, ids });
    return true;
  };

export const batchNormalization = normalization(4);
export const instanceNormalization = normalization(2);
