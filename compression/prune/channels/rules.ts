import { intAttribute, intsAttribute, stringAttribute } from '../../../onnx/attributes.ts';
import type { Node } from '../../../onnx/graph.ts';
import { asIntegers, type Tensor } from '../../../onnx/tensor.ts';
import type { ChannelMap } from './channel-map.ts';

export interface ChannelStep {
  readonly node: Node;
  readonly channels: ChannelMap;
  /** The full shape of a value, or undefined where it is not known. */
  shape(value: string): readonly (number | undefined)[] | undefined;
  constant(value: string): Tensor | undefined;
}

/** How channels pass an operator; false where the rule does not apply and everything that touches the node is frozen. */
export type ChannelRule = (step: ChannelStep) => boolean;

const input = ({ node }: ChannelStep, i: number): string => node.inputs[i] ?? '';
const output = ({ node }: ChannelStep): string => node.outputs[0] ?? '';

/** Everything that treats each channel alike and keeps axis 1: activations, pooling, resizing. */
export const passThrough: ChannelRule = (step) => {
  // Places of maxima count through all channels.
  if (step.node.outputs.length > 1 && step.node.opType === 'MaxPool') return false;
  step.channels.set(output(step), step.channels.of(input(step, 0)));
  return true;
};

/**
 * Dense: the weight's axis 1 is tied to the input, axis 0 and the bias to new channels. Depthwise: channels pass, and
 * carry their filter along. Grouped: every group loses the same places, so equal offsets of all groups are one channel.
 */
export const convolution: ChannelRule = (step) => {
  const { node, channels } = step;
  const weight = step.constant(input(step, 1));
  const from = channels.of(input(step, 0));
  if (weight === undefined || from === undefined) return false;
  const [outChannels = 0, perGroup = 0] = weight.dims;
  const groups = intAttribute(node, 'group', 1);
  if (perGroup * groups !== from.length) return false;
  const tieOutput = (ids: readonly number[]): void => {
    channels.tie(input(step, 1), 0, ids);
    if (input(step, 2) !== '') channels.tie(input(step, 2), 0, ids);
    channels.set(output(step), ids);
  };
  if (groups === 1) {
    channels.tie(input(step, 1), 1, from);
    tieOutput(channels.fresh(outChannels));
    return true;
  }
  if (groups === from.length && outChannels === from.length) {
    tieOutput(from);
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
  tieOutput(made);
  return true;
};

/** A'B' + C over the last axis of a `[N, K]` input. */
export const gemm: ChannelRule = (step) => {
  const { node, channels } = step;
  const weight = step.constant(input(step, 1));
  const from = channels.of(input(step, 0));
  if (weight === undefined || from === undefined || intAttribute(node, 'transA', 0) === 1) return false;
  const transposed = intAttribute(node, 'transB', 0) === 1;
  if (weight.dims[transposed ? 1 : 0] !== from.length) return false;
  const made = channels.fresh(weight.dims[transposed ? 0 : 1] ?? 0);
  channels.tie(input(step, 1), transposed ? 1 : 0, from);
  channels.tie(input(step, 1), transposed ? 0 : 1, made);
  const bias = step.constant(input(step, 2));
  if (bias !== undefined && bias.dims.at(-1) === made.length) {
    channels.tie(input(step, 2), bias.dims.length - 1, made);
  }
  channels.set(output(step), made);
  return true;
};

export const batchNormalization: ChannelRule = (step) => {
  const ids = step.channels.of(input(step, 0));
  if (ids === undefined) return false;
  for (let i = 1; i <= 4; i++) step.channels.tie(input(step, i), 0, ids);
  step.channels.set(output(step), ids);
  return true;
};

/** Adding, multiplying: what meets is one channel. A constant is tied where it has the axis, a single number meets all. */
export const meeting: ChannelRule = (step) => {
  const { channels, node } = step;
  const known = node.inputs.map((name) => channels.of(name)).filter((ids) => ids !== undefined);
  const [first] = known;
  if (first === undefined) return false;
  const rank = step.shape(output(step))?.length;
  for (const name of node.inputs) {
    const ids = channels.of(name);
    if (ids !== undefined) {
      if (ids.length !== first.length || step.shape(name)?.length !== rank) return false;
      channels.unite(first, ids);
      continue;
    }
    const constant = step.constant(name);
    if (constant === undefined || rank === undefined) return false;
    const axis = constant.dims.length - rank + 1;
    const width = axis < 0 ? 1 : (constant.dims[axis] ?? 1);
    if (width === first.length) channels.tie(name, axis, first);
    else if (width !== 1) return false;
  }
  channels.set(output(step), first);
  return true;
};

export const concat: ChannelRule = (step) => {
  const { channels, node } = step;
  const parts = node.inputs.map((name) => channels.of(name));
  if (intAttribute(node, 'axis', 1) !== 1 || parts.some((ids) => ids === undefined)) return false;
  channels.set(
    output(step),
    parts.flatMap((ids) => ids ?? []),
  );
  return true;
};

/** Channel c of `[N, C, H, W]` becomes the H W neighbours from c H W on. Also a Reshape that does just that. */
export const flatten: ChannelRule = (step) => {
  const { channels, node } = step;
  const ids = channels.of(input(step, 0));
  const from = step.shape(input(step, 0));
  const to = step.shape(output(step));
  if (ids === undefined || to?.length !== 2 || from === undefined) return false;
  if (node.opType === 'Flatten' && intAttribute(node, 'axis', 1) !== 1) return false;
  const pixels = from.slice(2).reduce<number>((product, dim) => product * (dim ?? Number.NaN), 1);
  if (!(to[1] === ids.length * pixels)) return false;
  channels.set(
    output(step),
    ids.flatMap((id) => new Array<number>(pixels).fill(id)),
  );
  return true;
};

/** Channels that a shortcut adds as zeros are new, and free to go: nothing is lost with them. */
export const pad: ChannelRule = (step) => {
  const { channels } = step;
  const ids = channels.of(input(step, 0));
  const pads = step.constant(input(step, 1));
  if (ids === undefined || pads === undefined || stringAttribute(step.node, 'mode', 'constant') !== 'constant')
    return false;
  const amounts = asIntegers(pads);
  const rank = amounts.length / 2;
  const before = amounts[1] ?? 0;
  const after = amounts[rank + 1] ?? 0;
  if (input(step, 3) !== '' || before < 0 || after < 0) return false;
  channels.set(output(step), [...channels.fresh(before), ...ids, ...channels.fresh(after)]);
  return true;
};

/** Cuts rows and columns; a cut through the channels is not followed. */
export const slice: ChannelRule = (step) => {
  const axes = step.constant(input(step, 3));
  const ids = step.channels.of(input(step, 0));
  if (axes === undefined || ids === undefined || asIntegers(axes).some((axis) => axis < 2)) return false;
  step.channels.set(output(step), ids);
  return true;
};

/** Explicit sizes count the channels too. */
export const resize: ChannelRule = (step) => input(step, 3) === '' && passThrough(step);

/** The mean over the picture, with or without its axes kept. */
export const pictureMean: ChannelRule = (step) => {
  const ids = step.channels.of(input(step, 0));
  const constant = step.constant(input(step, 1));
  const axes = constant === undefined ? intsAttribute(step.node, 'axes', []) : asIntegers(constant);
  const rank = step.shape(input(step, 0))?.length;
  if (ids === undefined || rank === undefined || axes.length === 0) return false;
  if (axes.some((axis) => (axis < 0 ? axis + rank : axis) < 2)) return false;
  step.channels.set(output(step), ids);
  return true;
};

const PASSING = [
  'Relu',
  'LeakyRelu',
  'Clip',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Tanh',
  'Erf',
  'Exp',
  'Sqrt',
  'Neg',
  'Abs',
  'Identity',
  'Dropout',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'Gelu',
  'Softplus',
  'Cast',
];

/** The rule of every operator that channels can pass; any other freezes what it touches. */
export const CHANNEL_RULES: ReadonlyMap<string, ChannelRule> = new Map<string, ChannelRule>([
  ...PASSING.map((opType) => [opType, passThrough] as const),
  ['Conv', convolution],
  ['Gemm', gemm],
  ['BatchNormalization', batchNormalization],
  ['Add', meeting],
  ['Sub', meeting],
  ['Mul', meeting],
  ['PRelu', meeting],
  ['Div', meeting],
  ['Concat', concat],
  ['Flatten', flatten],
  ['Reshape', flatten],
  ['Pad', pad],
  ['Slice', slice],
  ['Resize', resize],
  ['ReduceMean', pictureMean],
  ['ReduceSum', pictureMean],
]);
