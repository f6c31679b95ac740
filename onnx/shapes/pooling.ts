import type { Shape } from '../graph.ts';
import { Contradiction } from './dimensions.ts';
import { type NodeFacts, type ShapeRule, typed } from './node-facts.ts';
import { kernelOf, slide, windowsOf } from './windows.ts';

/** [N, C, spatial...] keeps N and C. */
function pooled(facts: NodeFacts): Shape | null {
  const x = facts.shape(0);
  if (x === null) return null;
  if (facts.ints('kernel_shape') === undefined) throw new Contradiction('kernel_shape is missing');
  const [batch = null, channels = null, ...spatial] = x;
  return [batch, channels, ...slide(spatial, windowsOf(facts, kernelOf(facts, null, x.length)))];
}

const pool: ShapeRule = (facts) => [typed(facts.dtype(0), pooled(facts))];

/** The second output holds the positions of the maxima. */
const maxPool: ShapeRule = (facts) => {
  const shape = pooled(facts);
  return [typed(facts.dtype(0), shape), typed('int64', shape)];
};

const globalPool: ShapeRule = (facts) => {
  const x = facts.shape(0);
  if (x !== null && x.length < 2) throw new Contradiction(`${x.length} dimensions where at least 2 are needed`);
  return [typed(facts.dtype(0), x === null ? null : x.map((size, i) => (i < 2 ? size : 1)))];
};

export const POOLING: readonly (readonly [string, ShapeRule])[] = [
  ['MaxPool', maxPool],
  ['AveragePool', pool],
  ['LpPool', pool],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['GlobalLpPool', globalPool],
];
