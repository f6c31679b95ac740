import { describe, expect, it } from 'vitest';
import { float, floats, int, ints, string, tensor } from '../../onnx/attributes.ts';
import type { Model, Shape, ValueType } from '../../onnx/graph.ts';
import { inferShapes, SHAPED_OPERATORS } from '../../onnx/shapes.ts';
import { float32Tensor, int8Tensor, int32Tensor, int64Tensor, type Tensor, uint8Tensor } from '../../onnx/tensor.ts';
import { type OneNode, oneNode } from './support/one-node.ts';
import { runModel } from './support/run.ts';
import { i64, weight } from './support/tensors.ts';

const f = (...values: number[]): Tensor => float32Tensor([values.length], Float32Array.from(values));
const one = (value: number): Tensor => float32Tensor([], Float32Array.of(value));
const scalar64 = (value: number): Tensor => int64Tensor([], [value]);
const u8 = (dims: number[]): Tensor => uint8Tensor(dims, new Uint8Array(dims.reduce((a, b) => a * b, 1)).fill(7));
const i8 = (dims: number[]): Tensor => int8Tensor(dims, new Int8Array(dims.reduce((a, b) => a * b, 1)).fill(3));
const zero8 = uint8Tensor([], Uint8Array.of(0));
const image: Shape = [2, 4, 9, 11];

const CASES: readonly OneNode[] = [
  { op: 'Conv', inputs: [image, weight(6, 4, 3, 3)] },
  {
    op: 'Conv',
    inputs: [image, weight(6, 2, 3, 2), weight(6)],
    attributes: { group: int(2), pads: ints([0, 1, 2, 3]), strides: ints([2, 3]), dilations: ints([2, 1]) },
  },
  {
    op: 'Conv',
    inputs: [image, weight(4, 4, 3, 3)],
    attributes: { auto_pad: string('SAME_UPPER'), strides: ints([2, 2]) },
  },
  { op: 'Conv', inputs: [image, weight(4, 4, 3, 3)], attributes: { auto_pad: string('VALID'), strides: ints([2, 2]) } },
  {
    op: 'ConvTranspose',
    inputs: [image, weight(4, 3, 3, 3)],
    attributes: { strides: ints([2, 2]), output_padding: ints([1, 0]), pads: ints([1, 1, 1, 1]) },
  },
  { op: 'ConvTranspose', inputs: [image, weight(4, 3, 2, 2)], attributes: { strides: ints([2, 2]), group: int(2) } },
  { op: 'ConvInteger', inputs: [u8([1, 2, 5, 5]), u8([3, 2, 3, 3])] },
  {
    op: 'QLinearConv',
    inputs: [
      u8([1, 2, 5, 5]),
      one(0.1),
      zero8,
      i8([3, 2, 3, 3]),
      one(0.1),
      int8Tensor([], Int8Array.of(0)),
      one(0.1),
      zero8,
    ],
  },
  {
    op: 'MaxPool',
    inputs: [image],
    attributes: { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) },
    outputs: 2,
  },
  {
    op: 'MaxPool',
    inputs: [image],
    attributes: { kernel_shape: ints([3, 2]), strides: ints([2, 2]), ceil_mode: int(1) },
  },
  {
    op: 'MaxPool',
    inputs: [image],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([3, 3]), pads: ints([1, 1, 1, 1]), ceil_mode: int(1) },
  },
  {
    op: 'AveragePool',
    inputs: [image],
    attributes: { kernel_shape: ints([4, 4]), strides: ints([3, 2]), ceil_mode: int(1) },
  },
  { op: 'LpPool', inputs: [image], attributes: { kernel_shape: ints([2, 2]) } },
  ...['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'].map((op) => ({ op, inputs: [image] })),
  { op: 'Gemm', inputs: [[5, 3], weight(3, 7), weight(7)] },
  { op: 'Gemm', inputs: [[3, 5], weight(7, 3), weight(5, 1)], attributes: { transA: int(1), transB: int(1) } },
  { op: 'MatMul', inputs: [[2, 1, 4, 3], weight(5, 3, 6)] },
  { op: 'MatMul', inputs: [[3], weight(5, 3, 6)] },
  { op: 'MatMul', inputs: [[2, 4, 3], weight(3)] },
  { op: 'MatMulInteger', inputs: [u8([2, 3]), u8([3, 4])] },
  { op: 'QLinearMatMul', inputs: [u8([2, 3]), one(0.1), zero8, u8([3, 4]), one(0.1), zero8, one(0.1), zero8] },
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'Mean', 'Sum', 'Equal', 'Greater', 'LessOrEqual'].map((op) => ({
    op,
    inputs: [[2, 1, 3], weight(4, 1)],
  })),
  ...[
    'Relu',
    'LeakyRelu',
    'Sigmoid',
    'HardSigmoid',
    'HardSwish',
    'Tanh',
    'Erf',
    'Sqrt',
    'Exp',
    'Neg',
    'Abs',
    'Identity',
    'Elu',
    'Softplus',
    'Ceil',
    'Reciprocal',
  ].map((op) => ({ op, inputs: [image] })),
  { op: 'Gelu', inputs: [image], opset: 20 },
  { op: 'Clip', inputs: [image, null, one(6)] },
  { op: 'PRelu', inputs: [image, weight(4, 1, 1)] },
  { op: 'IsNaN', inputs: [image] },
  { op: 'Where', inputs: [{ dtype: 'bool', dims: [3, 1], bytes: Uint8Array.of(1, 0, 1) }, weight(4), [2, 3, 4]] },
  { op: 'Cast', inputs: [image], attributes: { to: int(7) } },
  { op: 'CastLike', inputs: [image, i64(1)] },
  { op: 'Dropout', inputs: [image], outputs: 2 },
  { op: 'Softmax', inputs: [image], attributes: { axis: int(1) } },
  { op: 'LogSoftmax', inputs: [[2, 5]] },
  { op: 'BatchNormalization', inputs: [image, weight(4), weight(4), weight(4), weight(4)] },
  { op: 'InstanceNormalization', inputs: [image, weight(4), weight(4)] },
  { op: 'LayerNormalization', inputs: [[2, 5, 6], weight(6), weight(6)], outputs: 2 },
  { op: 'LRN', inputs: [image], attributes: { size: int(3) } },
  { op: 'ReduceMean', inputs: [image], attributes: { axes: ints([2, -1]) } },
  { op: 'ReduceMean', inputs: [image, i64(2, 3)], attributes: { keepdims: int(0) }, opset: 18 },
  { op: 'ReduceSum', inputs: [image], attributes: { noop_with_empty_axes: int(1) } },
  { op: 'ReduceMax', inputs: [image], attributes: { keepdims: int(0) } },
  { op: 'ArgMax', inputs: [image], attributes: { axis: int(-1), keepdims: int(0) } },
  { op: 'TopK', inputs: [[2, 9], i64(3)], outputs: 2 },
  { op: 'Reshape', inputs: [image, i64(0, -1, 3)] },
  { op: 'Reshape', inputs: [[2, 3, 4], i64(4, 6)] },
  { op: 'Flatten', inputs: [image], attributes: { axis: int(-1) } },
  { op: 'Flatten', inputs: [image], attributes: { axis: int(0) } },
  { op: 'Transpose', inputs: [image], attributes: { perm: ints([0, 2, 3, 1]) } },
  { op: 'Transpose', inputs: [image] },
  { op: 'Squeeze', inputs: [[2, 1, 3, 1], i64(-1)] },
  { op: 'Squeeze', inputs: [[2, 1, 3, 1]] },
  { op: 'Unsqueeze', inputs: [[2, 3], i64(0, -1)] },
  {
    op: 'Concat',
    inputs: [
      [2, 3],
      [2, 5],
    ],
    attributes: { axis: int(-1) },
  },
  { op: 'Split', inputs: [[2, 9], i64(2, 3, 4)], attributes: { axis: int(1) }, outputs: 3 },
  { op: 'Split', inputs: [[2, 7]], attributes: { axis: int(1), num_outputs: int(3) }, outputs: 3, opset: 18 },
  { op: 'Slice', inputs: [image, i64(1, -4), i64(2 ** 63, -1), i64(2, 3), i64(3, 1)] },
  { op: 'Slice', inputs: [image, i64(-1), i64(-(2 ** 63)), i64(3), i64(-2)] },
  { op: 'Slice', inputs: [image, i64(0, 0, 20), i64(1, 2, 30)] },
  { op: 'Gather', inputs: [image, i64(0, 2)], attributes: { axis: int(-2) } },
  { op: 'Gather', inputs: [image, scalar64(1)] },
  { op: 'GatherElements', inputs: [[2, 3], int64Tensor([1, 3], [0, 1, 0])] },
  { op: 'Pad', inputs: [image, i64(0, 0, 1, 2, 0, 0, 3, -1)] },
  { op: 'Pad', inputs: [image, i64(1, 2, 3, 4), null, i64(-1, 1)], opset: 18 },
  { op: 'DepthToSpace', inputs: [image], attributes: { blocksize: int(2) } },
  { op: 'SpaceToDepth', inputs: [[1, 3, 4, 6]], attributes: { blocksize: int(2) } },
  { op: 'Resize', inputs: [image, null, f(1, 1, 1.7, 0.5)] },
  { op: 'Resize', inputs: [image, null, null, i64(2, 4, 5, 20)], attributes: { mode: string('linear') } },
  { op: 'Resize', inputs: [image, null, f(2, 3)], attributes: { axes: ints([2, 3]) }, opset: 18 },
  { op: 'Upsample', inputs: [image, f(1, 1, 2, 1.5)], opset: 9 },
  { op: 'Upsample', inputs: [image], attributes: { scales: floats([1, 1, 2, 2]) }, opset: 8 },
  { op: 'Expand', inputs: [[3, 1], i64(2, 1, 6)] },
  { op: 'Tile', inputs: [[2, 3], i64(3, 1)] },
  { op: 'Shape', inputs: [image], attributes: { start: int(1), end: int(-1) } },
  { op: 'Size', inputs: [image] },
  { op: 'Constant', inputs: [], attributes: { value: tensor(i64(1, 2)) } },
  { op: 'Constant', inputs: [], attributes: { value_float: float(1) } },
  { op: 'ConstantOfShape', inputs: [i64(2, 3)] },
  { op: 'Range', inputs: [scalar64(1), scalar64(10), scalar64(4)] },
  { op: 'QuantizeLinear', inputs: [image, one(0.1), zero8] },
  { op: 'QuantizeLinear', inputs: [image, f(1, 2, 3, 4)], attributes: { axis: int(1) } },
  { op: 'DequantizeLinear', inputs: [i8([3, 2]), f(1, 2, 3)], attributes: { axis: int(0) } },
  { op: 'DequantizeLinear', inputs: [int32Tensor([3], Int32Array.of(1, 2, 3)), one(0.1)] },
  { op: 'DynamicQuantizeLinear', inputs: [image], outputs: 3 },
];

/** The same model with outputs declared in the types that were inferred, as ONNX Runtime demands. */
function declared(each: OneNode): { readonly model: Model; readonly types: ReadonlyMap<string, ValueType> } {
  const bare = oneNode(each);
  const free: Model = { ...bare, graph: { ...bare.graph, outputs: [] } };
  const types = inferShapes(free);
  const dtypes = bare.graph.outputs.map(({ name }) => types.get(name)?.dtype ?? 'float32');
  return { model: oneNode(each, dtypes), types };
}

describe('inferred types and shapes are those ONNX Runtime computes', () => {
  it.each(CASES.map((each, i) => [`${each.op} ${i}`, each] as const))('%s', async (_, each) => {
    const { model, types } = declared(each);
    const results = await runModel(model);
    for (const [name, { dims, type }] of Object.entries(results)) {
      expect(types.get(name)).toEqual({ dtype: type, shape: [...dims] });
    }
  });

  it('for nearly every operator with a rule', () => {
    const tested = new Set(CASES.map(({ op }) => op));
    const untested = [...SHAPED_OPERATORS].filter((op) => !tested.has(op));
    expect(tested.size / SHAPED_OPERATORS.size, `not tested: ${untested.join(', ')}`).toBeGreaterThan(0.6);
  });
});
