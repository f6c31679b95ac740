import { intAttribute } from '../../../../onnx/attributes.ts';
import { type ChannelRule, type ChannelStep, carried, input, output } from './rule.ts';

/** Everything that treats each channel alike, whatever its axis. */
export const passThrough: ChannelRule = (step) => {
  step.channels.set(output(step), carried(step));
  return true;
};

/** Pooling and resizing: channels are axis 1, by definition of the operator. */
export const onImages: ChannelRule = (step) => {
  const followed = carried(step);
  // Places of maxima count through all channels.
  if (step.node.outputs.length > 1 && step.node.opType === 'MaxPool') return false;
  if (followed !== undefined && followed.axis !== 1) return false;
  return passThrough(step);
};

/** Softmax along any axis but that of the channels. */
export const alongOthers: ChannelRule = (step) => {
  const followed = carried(step);
  const rank = step.shape(input(step, 0))?.length;
  if (followed === undefined || rank === undefined) return followed === undefined;
  const axis = intAttribute(step.node, 'axis', -1);
  return (axis < 0 ? axis + rank : axis) !== followed.axis && passThrough(step);
};

/** Adding, multiplying: what meets is one channel. A constant is tied where it has the axis, a single number meets all. */
export const meeting: ChannelRule = (step) => {
  const { channels, node } = step;
  const rank = step.shape(output(step))?.length;
  const placed = node.inputs.map((name) => placeFromEnd(step, name));
  const known = placed.filter((place) => place !== undefined);
  const width = Math.max(...known.map(({ ids }) => ids.length));
  const first = known.find(({ ids }) => ids.length === width);
  if (first === undefined || rank === undefined) return false;
  const others = node.inputs.filter((_, i) => placed[i] === undefined);
  if (known.some(({ back, ids }) => back !== first.back || (ids.length !== width && ids.length !== 1))) return false;
  // Numbers, and values that hold one number for all channels.
  if (!others.every((name) => [1, width].includes(widthAt(step, name, first.back)))) return false;
  if (others.some((name) => step.constant(name) === undefined && widthAt(step, name, first.back) !== 1)) return false;
  for (const { ids } of known) {
    if (ids.length === width) channels.unite(first.ids, ids);
    else channels.freeze(ids); // one channel that meets all stays
  }
  for (const name of others) {
    const dims = step.constant(name)?.dims;
    if (dims !== undefined && width > 1 && widthAt(step, name, first.back) === width) {
      channels.tie(name, dims.length - first.back, first.ids);
    }
  }
  channels.set(output(step), { axis: rank - first.back, ids: first.ids });
  return true;
};

/** Axes are aligned at the end when shapes are broadcast. */
function placeFromEnd({ channels, shape }: ChannelStep, value: string) {
  const followed = channels.at(value);
  const rank = shape(value)?.length;
  return followed === undefined || rank === undefined ? undefined : { back: rank - followed.axis, ids: followed.ids };
}

/** Size of the axis so many from the end; 1 beyond the first, NaN where it is not known. */
function widthAt({ constant, shape }: ChannelStep, value: string, back: number): number {
  const dims = constant(value)?.dims ?? shape(value);
  if (dims === undefined) return Number.NaN;
  return back > dims.length ? 1 : (dims[dims.length - back] ?? Number.NaN);
}
