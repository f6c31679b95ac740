import { intAttribute } from '../attributes.ts';
import type { Node } from '../graph.ts';
import type { DataType } from '../types.ts';
import type { OpsetRule } from './rule.ts';

/** Operators that did not exist in operator set 7 (onnx Changelog.md). Those not named here did. */
const INTRODUCED: Readonly<Record<string, number>> = {
  Expand: 8,
  ConstantOfShape: 9,
  Where: 9,
  Erf: 9,
  Sign: 9,
  IsNaN: 9,
  Sinh: 9,
  Cosh: 9,
  Asinh: 9,
  Acosh: 9,
  Atanh: 9,
  Shrink: 9,
  MeanVarianceNormalization: 9,
  QuantizeLinear: 10,
  DequantizeLinear: 10,
  QLinearConv: 10,
  QLinearMatMul: 10,
  ConvInteger: 10,
  MatMulInteger: 10,
  Resize: 10,
  Mod: 10,
  IsInf: 10,
  ThresholdedRelu: 10,
  DynamicQuantizeLinear: 11,
  Range: 11,
  Round: 11,
  BitShift: 11,
  GatherElements: 11,
  Celu: 12,
  GreaterOrEqual: 12,
  LessOrEqual: 12,
  HardSwish: 14,
  CastLike: 15,
  LayerNormalization: 17,
  GroupNormalization: 18,
  Mish: 18,
  BitwiseAnd: 18,
  BitwiseOr: 18,
  BitwiseXor: 18,
  BitwiseNot: 18,
  Gelu: 20,
  RMSNormalization: 23,
  Swish: 24,
};

/** Attributes that came to an operator later. */
const ATTRIBUTE_INTRODUCED: Readonly<Record<string, number>> = {
  'MaxPool.storage_order': 8,
  'MaxPool.ceil_mode': 10,
  'MaxPool.dilations': 10,
  'AveragePool.ceil_mode': 10,
  'AveragePool.dilations': 19,
  'DepthToSpace.mode': 11,
  'Resize.coordinate_transformation_mode': 11,
  'Resize.nearest_mode': 11,
  'Resize.cubic_coeff_a': 11,
  'Resize.exclude_outside': 11,
  'Resize.extrapolation_value': 11,
  'TopK.largest': 11,
  'TopK.sorted': 11,
  'Dropout.seed': 12,
  'ArgMax.select_last_index': 12,
  'ArgMin.select_last_index': 12,
  'QuantizeLinear.axis': 13,
  'DequantizeLinear.axis': 13,
  'Reshape.allowzero': 14,
  'BatchNormalization.training_mode': 14,
  'Shape.start': 15,
  'Shape.end': 15,
  'Resize.antialias': 18,
  'Resize.axes': 18,
  'Resize.keep_aspect_ratio_policy': 18,
  'LpPool.ceil_mode': 18,
  'LpPool.dilations': 18,
  'Split.num_outputs': 18,
  'Cast.saturate': 19,
  'CastLike.saturate': 19,
  'QuantizeLinear.saturate': 19,
  'QuantizeLinear.output_dtype': 21,
  'QuantizeLinear.block_size': 21,
  'DequantizeLinear.block_size': 21,
  'GroupNormalization.stash_type': 21,
  'DequantizeLinear.output_dtype': 23,
  'QuantizeLinear.precision': 23,
  'Cast.round_mode': 24,
  'CastLike.round_mode': 24,
  'Constant.value_float': 12,
  'Constant.value_floats': 12,
  'Constant.value_int': 12,
  'Constant.value_ints': 12,
};

/** Inputs that came to an operator later, by their place. */
const INPUT_INTRODUCED: Readonly<Record<string, number>> = { 'Pad.3': 18 };

const SMALL: readonly DataType[] = ['int8', 'uint8', 'int16', 'uint16'];
const INTEGER: readonly DataType[] = [...SMALL, 'int32', 'uint32', 'int64', 'uint64'];

interface TypeNeed {
  readonly opTypes: readonly string[];
  readonly types: readonly DataType[];
  readonly since: number;
}

/** Element types that an operator took only later. */
const TYPE_NEEDS: readonly TypeNeed[] = [
  {
    opTypes: ['Gemm', 'MatMul', 'Greater', 'Less', 'Upsample', 'PRelu', 'Constant', 'Flatten'],
    types: INTEGER,
    since: 9,
  },
  { opTypes: ['Constant', 'Flatten'], types: ['bool'], since: 9 },
  { opTypes: ['Equal'], types: [...SMALL, 'uint32', 'uint64', 'float16', 'float32', 'float64'], since: 11 },
  { opTypes: ['TopK'], types: INTEGER, since: 11 },
  { opTypes: ['Clip', 'Pad', 'Min', 'Max', 'Pow'], types: INTEGER, since: 12 },
  { opTypes: ['MaxPool', 'ReduceMax', 'ReduceMin'], types: ['int8', 'uint8'], since: 12 },
  { opTypes: ['Sign', 'Erf'], types: INTEGER, since: 13 },
  { opTypes: ['Pad'], types: ['bool'], since: 13 },
  { opTypes: ['Add', 'Sub', 'Mul', 'Div'], types: SMALL, since: 14 },
  { opTypes: ['Relu'], types: INTEGER, since: 14 },
  { opTypes: ['ReduceLogSum', 'ReduceLogSumExp'], types: INTEGER, since: 18 },
  { opTypes: ['QuantizeLinear', 'DequantizeLinear'], types: ['float16'], since: 19 },
  { opTypes: ['Equal'], types: ['string'], since: 19 },
  { opTypes: ['IsInf'], types: ['float16'], since: 20 },
  { opTypes: ['ReduceMax', 'ReduceMin'], types: ['bool'], since: 20 },
  { opTypes: ['QuantizeLinear', 'DequantizeLinear'], types: ['int16', 'uint16'], since: 21 },
  { opTypes: ['QLinearMatMul'], types: ['float16'], since: 21 },
];

const FOUR_BITS: readonly DataType[] = ['int4', 'uint4'];
const TWO_BITS: readonly DataType[] = ['int2', 'uint2'];

/**
 * The first operator set in which a node, in its present form and with these element types, means what it means now.
 *
 * @param opset the version the node is written for: where nothing is known, the answer
 */
export function sinceOf(node: Node, types: ReadonlySet<DataType>, opset: number, rules: readonly OpsetRule[]): number {
  const needs = [INTRODUCED[node.opType] ?? 7];
  for (const { opType, since, needed } of rules) {
    if (opType === node.opType && since <= opset && (needed?.(node) ?? true)) needs.push(since);
  }
  for (const [name, attribute] of Object.entries(node.attributes)) {
    needs.push(ATTRIBUTE_INTRODUCED[`${node.opType}.${name}`] ?? 7);
    if (name === 'noop_with_empty_axes') needs.push(node.opType === 'ReduceSum' ? 13 : 18);
    const listed = attribute.type === 'ints' && name === 'axes' ? attribute.value : [];
    const axes = attribute.type === 'int' && name === 'axis' ? [attribute.value] : listed;
    if (axes.some((axis) => axis < 0)) needs.push(11); // negative axes were defined in version 11
  }
  // Until 22 it was left open whether a window may start in the end padding.
  if (node.opType.endsWith('Pool') && intAttribute(node, 'ceil_mode', 0) !== 0) needs.push(Math.min(opset, 22));
  if (node.opType === 'MaxPool' && node.outputs.length > 1) needs.push(8);
  if (node.opType === 'Gemm' && (node.inputs[2] ?? '') === '') needs.push(11);
  node.inputs.forEach((input, i) => {
    if (input !== '') needs.push(INPUT_INTRODUCED[`${node.opType}.${i}`] ?? 7);
  });
  for (const need of TYPE_NEEDS) {
    if (need.opTypes.includes(node.opType) && need.types.some((type) => types.has(type))) needs.push(need.since);
  }
  if (types.has('bfloat16')) needs.push(opset); // came to each operator in a version of its own
  if (FOUR_BITS.some((type) => types.has(type))) needs.push(21);
  if (TWO_BITS.some((type) => types.has(type))) needs.push(25);
  return Math.max(...needs);
}
