import type { Shape } from '../graph.ts';
import { axesOf, axisOf } from './dimensions.ts';
import { type ShapeRule, typed } from './node-facts.ts';

/** Reduced axes become 1, or go. */
const without = (shape: Shape, axes: ReadonlySet<number>, keep: boolean): Shape =>
  keep ? shape.map((size, i) => (axes.has(i) ? 1 : size)) : shape.filter((_, i) => !axes.has(i));

const reduce: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const dtype = facts.dtype(0);
  const keep = facts.int('keepdims', 1) !== 0;
  const { given, ints } = facts.intsAt('axes', 1);
  if (x === null) return [typed(dtype, null)];
  if (given && ints === undefined) return [typed(dtype, keep ? x.map(() => null) : null)];
  const axes = ints ?? [];
  if (axes.length === 0 && facts.int('noop_with_empty_axes', 0) !== 0) return [facts.type(0)];
  const reduced = axes.length === 0 ? new Set(x.keys()) : axesOf(axes, x.length);
  return [typed(dtype, without(x, reduced, keep))];
};

const argument: ShapeRule = (facts) => {
  const x = facts.shape(0);
  if (x === null) return [typed('int64', null)];
  const axis = axisOf(facts.int('axis', 0), x.length);
  return [typed('int64', without(x, new Set([axis]), facts.int('keepdims', 1) !== 0))];
};

const topK: ShapeRule = (facts) => {
  const x = facts.shape(0);
  if (x === null) return [typed(facts.dtype(0), null), typed('int64', null)];
  const axis = axisOf(facts.int('axis', -1), x.length);
  const k = facts.int('k', undefined) ?? facts.values(1)?.[0] ?? null;
  const shape = x.map((size, i) => (i === axis ? k : size));
  return [typed(facts.dtype(0), shape), typed('int64', shape)];
};

const REDUCERS = ['Mean', 'Sum', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'];

export const REDUCTION: readonly (readonly [string, ShapeRule])[] = [
  ...REDUCERS.map((name) => [`Reduce${name}`, reduce] as const),
  ['ArgMax', argument],
  ['ArgMin', argument],
  ['TopK', topK],
];
