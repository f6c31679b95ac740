import type { Dimension, Shape } from '../graph.ts';
import { axesOf, axisOf, Contradiction, multiply, product, quotient, textOf } from './dimensions.ts';
import { type KnownValues, type NodeFacts, requireRank, type ShapeRule, typed } from './node-facts.ts';

/** Target entries: a size, 0 to keep the input's (unless allowzero), -1 once for whatever is left. */
const reshape: ShapeRule = (facts) => {
  const target: KnownValues | undefined = facts.ints('shape') ?? facts.values(1);
  const dtype = facts.dtype(0);
  if (target === undefined) {
    const rank = facts.shape(1)?.[0];
    return [typed(dtype, typeof rank === 'number' && rank <= 32 ? new Array<Dimension>(rank).fill(null) : null)];
  }
  return [typed(dtype, reshaped(facts.shape(0), target, facts.int('allowzero', 0) !== 0))];
};

function reshaped(x: Shape | null, target: KnownValues, allowZero: boolean): Shape {
  const copied = target.map((entry, i): Dimension => {
    if (entry !== 0 || allowZero) return entry;
    if (x !== null && i >= x.length)
      throw new Contradiction(`entry ${i} of the target keeps an axis that is not there`);
    return x?.[i] ?? null;
  });
  const open = copied.indexOf(-1);
  if (copied.some((entry, i) => typeof entry === 'number' && entry < 0 && i !== open)) {
    throw new Contradiction(`the target is ${textOf(target)}`);
  }
  if (open < 0) {
    const [before, after] = [x === null ? null : product(x), product(copied)];
    if (typeof before === 'number' && typeof after === 'number' && before !== after) {
      throw new Contradiction(`${textOf(x)} has ${before} elements, the target ${textOf(copied)} has ${after}`);
    }
    return copied;
  }
  const rest = copied.filter((_, i) => i !== open);
  return copied.map((entry, i) => (i === open ? (x === null ? null : quotient(x, rest)) : entry));
}

const flatten: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const dtype = facts.dtype(0);
  if (x === null) return [typed(dtype, [null, null])];
  const axis = facts.int('axis', 1);
  const split = axis === x.length ? axis : axisOf(axis, x.length);
  return [typed(dtype, [product(x.slice(0, split)), product(x.slice(split))])];
};

const transpose: ShapeRule = (facts) => {
  const x = facts.shape(0);
  if (x === null) return [typed(facts.dtype(0), null)];
  const perm = facts.ints('perm') ?? x.map((_, i) => x.length - 1 - i);
  if (perm.length !== x.length) throw new Contradiction(`perm has ${perm.length} entries for ${x.length} dimensions`);
  return [
    typed(
      facts.dtype(0),
      [...axesOf(perm, x.length)].map((axis) => x[axis] ?? null),
    ),
  ];
};

const squeeze: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const { given, ints } = facts.intsAt('axes', 1);
  const dtype = facts.dtype(0);
  if (x === null || (given && ints === undefined)) return [typed(dtype, null)];
  if (ints === undefined) {
    return [typed(dtype, x.every((size) => typeof size === 'number') ? x.filter((size) => size !== 1) : null)];
  }
  const axes = axesOf(ints, x.length);
  for (const axis of axes) {
    const size = x[axis];
    if (typeof size === 'number' && size !== 1)
      throw new Contradiction(`axis ${axis} has ${size} entries and cannot go`);
  }
  return [
    typed(
      dtype,
      x.filter((_, i) => !axes.has(i)),
    ),
  ];
};

const unsqueeze: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const { ints } = facts.intsAt('axes', 1);
  if (x === null || ints === undefined) return [typed(facts.dtype(0), null)];
  const rank = x.length + ints.length;
  const axes = axesOf(ints, rank);
  const kept = x.values();
  return [
    typed(
      facts.dtype(0),
      Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (kept.next().value ?? null))),
    ),
  ];
};

function blocks(facts: NodeFacts): { readonly x: Shape | null; readonly size: number } {
  const x = facts.shape(0);
  const size = facts.int('blocksize', 0);
  if (size < 1) throw new Contradiction(`blocksize is ${size}`);
  requireRank(x, 4, 'the input');
  return { x, size };
}

const divided = (size: Dimension, by: number): Dimension => {
  if (typeof size !== 'number') return by === 1 ? size : null;
  if (size % by !== 0) throw new Contradiction(`${size} does not divide by ${by}`);
  return size / by;
};

const depthToSpace: ShapeRule = (facts) => {
  const { x, size } = blocks(facts);
  if (x === null) return [typed(facts.dtype(0), null)];
  const [n = null, c = null, h = null, w = null] = x;
  return [typed(facts.dtype(0), [n, divided(c, size * size), multiply(h, size), multiply(w, size)])];
};

const spaceToDepth: ShapeRule = (facts) => {
  const { x, size } = blocks(facts);
  if (x === null) return [typed(facts.dtype(0), null)];
  const [n = null, c = null, h = null, w = null] = x;
  return [typed(facts.dtype(0), [n, multiply(c, size * size), divided(h, size), divided(w, size)])];
};

/** Operators that only say anew how the same elements lie. */
export const LAYOUT: readonly (readonly [string, ShapeRule])[] = [
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Transpose', transpose],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['DepthToSpace', depthToSpace],
  ['SpaceToDepth', spaceToDepth],
];
