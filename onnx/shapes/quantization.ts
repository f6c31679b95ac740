import type { Shape } from '../graph.ts';
import { dataTypeOf } from '../types.ts';
import { axisOf, Contradiction } from './dimensions.ts';
import { type NodeFacts, type ShapeRule, typed } from './node-facts.ts';

/** Scale and zero point are one number, or one each along `axis`; blocked scales (opset 21) have the input's rank. */
function requireScale(facts: NodeFacts): void {
  const x = facts.shape(0);
  const scale = facts.shape(1);
  const zero = facts.has(2) ? facts.shape(2) : null;
  // One number is one number, whether it has an axis or none (ONNX Runtime's quantizer writes a scale of [1] with a zero point of []).
  const single = (shape: Shape): boolean => shape.every((size) => size === 1);
  if (scale !== null && zero !== null && scale.length !== zero.length && !(single(scale) && single(zero))) {
    throw new Contradiction(`the scale has ${scale.length} dimensions, the zero point ${zero.length}`);
  }
  if (x === null || scale?.length !== 1) return;
  const count = scale[0];
  if (count === 1) return; // an axis of any length, or none: one scale for all
  const size = x[axisOf(facts.int('axis', 1), x.length)];
  if (typeof count === 'number' && typeof size === 'number' && count !== size && x.length > 1) {
    throw new Contradiction(`${count} scales along an axis of ${size}`);
  }
}

/** The zero point gives the type; without one it is `output_dtype`, or uint8. */
const quantizeLinear: ShapeRule = (facts) => {
  requireScale(facts);
  const stated = dataTypeOf(facts.int('output_dtype', 0));
  const dtype = facts.has(2) ? facts.dtype(2) : (stated ?? 'uint8');
  return [typed(dtype, facts.shape(0))];
};

const dequantizeLinear: ShapeRule = (facts) => {
  requireScale(facts);
  const dtype = dataTypeOf(facts.int('output_dtype', 0)) ?? facts.dtype(1);
  return [typed(dtype, facts.shape(0))];
};

const dynamicQuantizeLinear: ShapeRule = (facts) => [
  typed('uint8', facts.shape(0)),
  { dtype: 'float32', shape: [] },
  { dtype: 'uint8', shape: [] },
];

export const QUANTIZATION: readonly (readonly [string, ShapeRule])[] = [
  ['QuantizeLinear', quantizeLinear],
  ['DequantizeLinear', dequantizeLinear],
  ['DynamicQuantizeLinear', dynamicQuantizeLinear],
];
