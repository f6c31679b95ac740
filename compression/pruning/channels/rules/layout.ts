import { intAttribute, intsAttribute } from '../../../../onnx/attributes.ts';
import type { ChannelMap, Followed } from '../channel-map.ts';
import { axesOf, type ChannelRule, carried, input, output } from './rule.ts';

export const transpose: ChannelRule = (step) => {
  const followed = carried(step);
  if (followed === undefined) return true;
  const rank = step.shape(input(step, 0))?.length;
  const perm = intsAttribute(step.node, 'perm', undefined) ?? Array.from({ length: rank ?? 0 }, (_, i) => i).reverse();
  const axis = perm.indexOf(followed.axis);
  if (axis < 0) return false;
  step.channels.set(output(step), { ...followed, axis });
  return true;
};

/**
 * Flatten and Reshape. Merged with its neighbours, a channel becomes several entries: those of its pixels. Split in two, as channel
 * shuffles do, one of the axes is kept as the channels, and what stands at the same place along the other goes together.
 */
export const reshape: ChannelRule = (step) => {
  const { channels, node } = step;
  const followed = carried(step);
  if (followed === undefined) return true;
  const from = step.shape(input(step, 0));
  const to = step.shape(output(step));
  if (from === undefined || to === undefined) return false;
  // Literal counts can be written anew, computed ones cannot; a matrix of all that is left needs none.
  if (node.opType === 'Reshape' && step.constant(input(step, 1)) === undefined && to.length !== 2) return false;
  const sameBatch = from[0] === undefined && to[0] === undefined;
  const [before, after] = [from, to].map((dims) =>
    dims.map((dim, i) => dim ?? (sameBatch && i === 0 ? 1 : Number.NaN)),
  );
  const found = merged(before!, after!, followed) ?? split(before!, after!, followed, channels);
  channels.set(output(step), found);
  return found !== undefined;
};

const product = (dims: readonly number[]): number => dims.reduce((total, dim) => total * dim, 1);

/** An axis of `to` that is made of whole axes of `from`, that of the channels among them. */
function merged(from: readonly number[], to: readonly number[], { axis, ids }: Followed): Followed | undefined {
  for (const [q, size] of to.entries()) {
    const start = product(to.slice(0, q));
    for (let first = 0; first <= axis; first++) {
      if (product(from.slice(0, first)) !== start) continue;
      for (let last = axis; last < from.length; last++) {
        if (product(from.slice(first, last + 1)) !== size) continue;
        const outer = product(from.slice(first, axis));
        const inner = product(from.slice(axis + 1, last + 1));
        const once = inner === 1 ? ids : ids.flatMap((id) => new Array<number>(inner).fill(id));
        return { axis: q, ids: outer === 1 ? once : Array.from({ length: outer }, () => once).flat() };
      }
    }
  }
  return undefined;
}

/** Consecutive axes of `to` that the axis of the channels was split into: the longest carries them on. */
function split(
  from: readonly number[],
  to: readonly number[],
  { axis, ids }: Followed,
  channels: ChannelMap,
): Followed | undefined {
  const start = product(from.slice(0, axis));
  for (let q = 0; q < to.length; q++) {
    if (product(to.slice(0, q)) !== start) continue;
    for (let last = q + 1; last < to.length; last++) {
      const parts = to.slice(q, last + 1);
      if (product(parts) !== ids.length) continue;
      const longest = parts.indexOf(Math.max(...parts));
      const length = parts[longest]!;
      const inner = product(parts.slice(longest + 1));
      const kept = Array.from({ length }, (_, c) => ids[c * inner]!);
      channels.unite(
        ids.map((_, i) => kept[Math.floor(i / inner) % length]!),
        ids,
      );
      return { axis: q + longest, ids: kept };
    }
  }
  return undefined;
}

/** Axes of size 1 come or go. */
export const squeeze: ChannelRule = (step) => {
  const followed = carried(step);
  if (followed === undefined) return true;
  const rank = step.shape(input(step, 0))?.length;
  const axes = rank === undefined ? undefined : axesOf(step, rank);
  if (axes === undefined || axes.includes(followed.axis)) return false;
  step.channels.set(output(step), { ...followed, axis: followed.axis - axes.filter((a) => a < followed.axis).length });
  return true;
};

export const unsqueeze: ChannelRule = (step) => {
  const followed = carried(step);
  if (followed === undefined) return true;
  const rank = step.shape(output(step))?.length;
  const axes = rank === undefined ? undefined : axesOf(step, rank);
  if (axes === undefined) return false;
  let axis = followed.axis;
  for (const added of axes.toSorted((a, b) => a - b)) if (added <= axis) axis++;
  step.channels.set(output(step), { ...followed, axis });
  return true;
};

/** The mean over the image or the tokens, with or without its axes kept. */
export const reduction: ChannelRule = (step) => {
  const followed = carried(step);
  if (followed === undefined) return true;
  const rank = step.shape(input(step, 0))?.length;
  const axes = rank === undefined ? undefined : axesOf(step, rank);
  if (axes === undefined || axes.length === 0 || axes.includes(followed.axis)) return false;
  const gone = intAttribute(step.node, 'keepdims', 1) === 1 ? 0 : axes.filter((axis) => axis < followed.axis).length;
  step.channels.set(output(step), { ...followed, axis: followed.axis - gone });
  return true;
};
