import { tensorAttribute } from '../attributes.ts';
import type { Dimension } from '../graph.ts';
import { Contradiction } from './dimensions.ts';
import { type Inferred, type NodeFacts, type ShapeRule, typed } from './node-facts.ts';

const constant: ShapeRule = ({ node }): Inferred => {
  const { attributes } = node;
  const value = tensorAttribute(node, 'value');
  if (value !== undefined) return [{ dtype: value.dtype, shape: value.dims }];
  if (attributes.value_float) return [{ dtype: 'float32', shape: [] }];
  if (attributes.value_int) return [{ dtype: 'int64', shape: [] }];
  const list = attributes.value_ints ?? attributes.value_floats;
  if (list?.type === 'ints') return [{ dtype: 'int64', shape: [list.value.length] }];
  if (list?.type === 'floats') return [{ dtype: 'float32', shape: [list.value.length] }];
  return [];
};

const constantOfShape: ShapeRule = (facts) => {
  const dtype = tensorAttribute(facts.node, 'value')?.dtype ?? 'float32';
  const rank = facts.shape(0)?.[0];
  const unknown = typeof rank === 'number' && rank <= 32 ? new Array<Dimension>(rank).fill(null) : null;
  return [{ dtype, shape: facts.values(0) ?? unknown }];
};

const shape: ShapeRule = (facts) => {
  const x = facts.shape(0);
  return [{ dtype: 'int64', shape: [x === null ? null : x.slice(...shapeBounds(facts)).length] }];
};

/** `start` and `end` came with Shape-15. */
export const shapeBounds = (facts: NodeFacts): [number, number | undefined] => [
  facts.int('start', 0),
  facts.int('end', undefined),
];

const size: ShapeRule = () => [{ dtype: 'int64', shape: [] }];

const range: ShapeRule = (facts) => {
  const [start, limit, delta] = [facts.numbers(0)?.[0], facts.numbers(1)?.[0], facts.numbers(2)?.[0]];
  if (delta === 0) throw new Contradiction('a range with step 0');
  const known = start !== undefined && limit !== undefined && delta !== undefined;
  return [typed(facts.dtype(0), [known ? Math.max(Math.ceil((limit - start) / delta), 0) : null])];
};

/** Operators that make a tensor out of an attribute, or out of what is known about another. */
export const SOURCES: readonly (readonly [string, ShapeRule])[] = [
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Shape', shape],
  ['Size', size],
  ['Range', range],
];
