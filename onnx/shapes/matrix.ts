import type { Dimension, Shape } from '../graph.ts';
import { broadcast, Contradiction, textOf } from './dimensions.ts';
import { type NodeFacts, requireRank, type ShapeRule, typed } from './node-facts.ts';

/** alpha * A' * B' + beta * C with A' [M, K], B' [K, N], C stretched to [M, N]. */
const gemm: ShapeRule = (facts) => {
  const a = facts.shape(0);
  const b = facts.shape(1);
  requireRank(a, 2, 'the first matrix');
  requireRank(b, 2, 'the second matrix');
  const side = (shape: Shape | null, transposed: boolean): [Dimension, Dimension] => {
    const [rows = null, columns = null] = shape ?? [];
    return transposed ? [columns, rows] : [rows, columns];
  };
  const [m, k] = side(a, facts.int('transA', 0) !== 0);
  const [inner, n] = side(b, facts.int('transB', 0) !== 0);
  requireInner(k, inner);
  const c = facts.has(2) ? facts.shape(2) : null;
  if (c !== null) {
    const both = broadcast([[m, n], c]);
    if (both === null || both.length > 2 || (typeof n === 'number' && typeof both[1] === 'number' && both[1] !== n)) {
      throw new Contradiction(`the sum ${textOf(c)} does not stretch to ${textOf([m, n])}`);
    }
  }
  return [typed(facts.dtype(0), [m, n])];
};

function requireInner(a: Dimension, b: Dimension): void {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) {
    throw new Contradiction(`a matrix of ${a} columns meets one of ${b} rows`);
  }
}

/** As numpy.matmul: the last two axes multiply, those before broadcast, a vector is a row or a column for the moment. */
function multiplied(a: Shape | null, b: Shape | null): Shape | null {
  if (a === null || b === null) return null;
  if (a.length === 0 || b.length === 0) throw new Contradiction('a matrix product of a scalar');
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  requireInner(left.at(-1) ?? null, right.at(-2) ?? null);
  const before = broadcast([left.slice(0, -2), right.slice(0, -2)]) ?? [];
  const rows = a.length === 1 ? [] : [left.at(-2) ?? null];
  const columns = b.length === 1 ? [] : [right.at(-1) ?? null];
  return [...before, ...rows, ...columns];
}

const product = (facts: NodeFacts, a: number, b: number): Shape | null => multiplied(facts.shape(a), facts.shape(b));

const matMul: ShapeRule = (facts) => [typed(facts.dtype(0), product(facts, 0, 1))];

const matMulInteger: ShapeRule = (facts) => [typed('int32', product(facts, 0, 1))];

/** Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point. */
const qLinearMatMul: ShapeRule = (facts) => [typed(facts.dtype(7), product(facts, 0, 3))];

export const MATRIX: readonly (readonly [string, ShapeRule])[] = [
  ['Gemm', gemm],
  ['MatMul', matMul],
  ['MatMulInteger', matMulInteger],
  ['QLinearMatMul', qLinearMatMul],
];
