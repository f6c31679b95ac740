import { float, int, ints } from '../../onnx/attributes.ts';
import type { GraphBuilder } from '../../onnx/build.ts';
import type { Attributes } from '../../onnx/graph.ts';
import { float32Tensor, int64Tensor } from '../../onnx/tensor.ts';

type Shapes = Readonly<Record<string, readonly number[]>>;

export interface GradientCase {
  readonly opType: string;
  readonly says: string;
  readonly inputs: Shapes;
  readonly output: readonly number[];
  readonly attributes?: Attributes;
  /** Inputs after the differentiated ones: constants by position, `''` for an absent one. */
  readonly constants?: (builder: GraphBuilder) => readonly string[];
  readonly outputs?: number;
  /** @default normal values at least 0.05 from 0 */
  readonly values?: (index: number, normal: number) => number;
}

const integers = (builder: GraphBuilder, values: readonly number[]): string =>
  builder.constant('integers', int64Tensor([values.length], values));
const number = (builder: GraphBuilder, value: number): string =>
  builder.constant('number', float32Tensor([], Float32Array.of(value)));

/** Distinct values 0.1 apart in a shuffled order: no window of a pooling has two that a step could exchange. */
const apart = (index: number): number => ((index * 37) % 101) * 0.1 - 5;
const positive = (_: number, normal: number): number => 0.5 + Math.abs(normal);

/** One small graph, or several, for every gradient rule. */
export const GRADIENT_CASES: readonly GradientCase[] = [
  {
    opType: 'Conv',
    says: '3x3, padded',
    inputs: { x: [2, 3, 5, 6], w: [4, 3, 3, 3], b: [4] },
    output: [2, 4, 5, 6],
    attributes: { pads: ints([1, 1, 1, 1]) },
  },
  {
    opType: 'Conv',
    says: '3x3, 9x9 pixels (a product for each picture)',
    inputs: { x: [2, 2, 9, 9], w: [2, 2, 3, 3] },
    output: [2, 2, 9, 9],
    attributes: { pads: ints([1, 1, 1, 1]) },
  },
  {
    opType: 'Conv',
    says: '3x3 over many pixels, padded unevenly (products of whole rows)',
    inputs: { x: [2, 2, 23, 24], w: [2, 2, 3, 3] },
    output: [2, 2, 24, 23],
    attributes: { pads: ints([2, 0, 1, 1]) },
  },
  {
    opType: 'Conv',
    says: '2x5 over many pixels, dilated',
    inputs: { x: [1, 2, 26, 32], w: [3, 2, 2, 5] },
    output: [1, 3, 24, 24],
    attributes: { dilations: ints([2, 2]) },
  },
  {
    opType: 'Conv',
    says: '3x3, stride 2 that leaves a row unread',
    inputs: { x: [2, 2, 6, 8], w: [3, 2, 3, 3] },
    output: [2, 3, 3, 4],
    attributes: { pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) },
  },
  { opType: 'Conv', says: '1x1', inputs: { x: [2, 3, 4, 4], w: [5, 3, 1, 1] }, output: [2, 5, 4, 4] },
  {
    opType: 'Conv',
    says: '1x1, stride 2',
    inputs: { x: [2, 3, 5, 4], w: [2, 3, 1, 1] },
    output: [2, 2, 3, 2],
    attributes: { strides: ints([2, 2]) },
  },
  {
    opType: 'Conv',
    says: 'depthwise',
    inputs: { x: [2, 4, 5, 5], w: [4, 1, 3, 3] },
    output: [2, 4, 5, 5],
    attributes: { pads: ints([1, 1, 1, 1]), group: int(4) },
  },
  {
    opType: 'Conv',
    says: 'depthwise, stride 2',
    inputs: { x: [1, 3, 6, 6], w: [3, 1, 3, 3] },
    output: [1, 3, 3, 3],
    attributes: { pads: ints([1, 1, 1, 1]), group: int(3), strides: ints([2, 2]) },
  },
  {
    opType: 'Conv',
    says: 'two groups',
    inputs: { x: [2, 4, 4, 4], w: [6, 2, 3, 3] },
    output: [2, 6, 4, 4],
    attributes: { pads: ints([1, 1, 1, 1]), group: int(2) },
  },
  {
    opType: 'Conv',
    says: 'dilated',
    inputs: { x: [1, 2, 7, 7], w: [2, 2, 3, 3] },
    output: [1, 2, 7, 7],
    attributes: { pads: ints([2, 2, 2, 2]), dilations: ints([2, 2]) },
  },
  {
    opType: 'Conv',
    says: 'more padding than kernel',
    inputs: { x: [1, 1, 4, 4], w: [2, 1, 1, 1] },
    output: [1, 2, 6, 6],
    attributes: { pads: ints([1, 1, 1, 1]) },
  },
  { opType: 'Gemm', says: 'plain, with bias', inputs: { a: [3, 4], b: [4, 5], c: [5] }, output: [3, 5] },
  {
    opType: 'Gemm',
    says: 'both transposed, scaled',
    inputs: { a: [4, 3], b: [5, 4], c: [3, 1] },
    output: [3, 5],
    attributes: { transA: int(1), transB: int(1), alpha: float(0.5), beta: float(2) },
  },
  { opType: 'MatMul', says: 'matrices', inputs: { a: [3, 4], b: [4, 5] }, output: [3, 5] },
  { opType: 'MatMul', says: 'a stack times one matrix', inputs: { a: [2, 3, 4], b: [4, 5] }, output: [2, 3, 5] },
  {
    opType: 'MatMul',
    says: 'stacks, one broadcast',
    inputs: { a: [2, 2, 3, 4], b: [1, 2, 4, 2] },
    output: [2, 2, 3, 2],
  },
  { opType: 'Add', says: 'broadcast over channels', inputs: { a: [2, 3, 4], b: [3, 1] }, output: [2, 3, 4] },
  { opType: 'Sub', says: 'broadcast', inputs: { a: [3, 1], b: [2, 3, 4] }, output: [2, 3, 4] },
  { opType: 'Mul', says: 'squeeze and excite', inputs: { a: [2, 3, 4, 4], b: [2, 3, 1, 1] }, output: [2, 3, 4, 4] },
  { opType: 'Div', says: 'broadcast', inputs: { a: [2, 3], b: [3] }, output: [2, 3], values: positive },
  { opType: 'Relu', says: '', inputs: { x: [3, 7] }, output: [3, 7] },
  { opType: 'LeakyRelu', says: '', inputs: { x: [3, 7] }, output: [3, 7], attributes: { alpha: float(0.1) } },
  {
    opType: 'Clip',
    says: 'ReLU6',
    inputs: { x: [5, 9] },
    output: [5, 9],
    constants: (b) => [number(b, 0), number(b, 6)],
    values: (i) => apart(i) * 2 + 0.05,
  },
  { opType: 'Sigmoid', says: '', inputs: { x: [3, 7] }, output: [3, 7] },
  { opType: 'Tanh', says: '', inputs: { x: [3, 7] }, output: [3, 7] },
  { opType: 'Exp', says: '', inputs: { x: [3, 7] }, output: [3, 7] },
  { opType: 'Log', says: '', inputs: { x: [3, 7] }, output: [3, 7], values: positive },
  { opType: 'Neg', says: '', inputs: { x: [3, 7] }, output: [3, 7] },
  { opType: 'Abs', says: '', inputs: { x: [3, 7] }, output: [3, 7] },
  { opType: 'Sqrt', says: '', inputs: { x: [3, 7] }, output: [3, 7], values: positive },
  { opType: 'Erf', says: '', inputs: { x: [3, 7] }, output: [3, 7] },
  { opType: 'HardSigmoid', says: '', inputs: { x: [5, 9] }, output: [5, 9], values: (i) => apart(i) + 0.03 },
  { opType: 'HardSwish', says: '', inputs: { x: [5, 9] }, output: [5, 9], values: (i) => apart(i) + 0.03 },
  { opType: 'Pow', says: 'squared', inputs: { x: [3, 4] }, output: [3, 4], constants: (b) => [number(b, 2)] },
  { opType: 'GlobalAveragePool', says: '', inputs: { x: [2, 3, 4, 5] }, output: [2, 3, 1, 1] },
  {
    opType: 'AveragePool',
    says: 'overlapping, padding not counted',
    inputs: { x: [1, 2, 5, 5] },
    output: [1, 2, 3, 3],
    attributes: { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) },
  },
  {
    opType: 'AveragePool',
    says: '2x2, a column unread',
    inputs: { x: [1, 2, 4, 5] },
    output: [1, 2, 2, 2],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
  },
  {
    opType: 'MaxPool',
    says: '2x2',
    inputs: { x: [2, 2, 4, 4] },
    output: [2, 2, 2, 2],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    values: apart,
  },
  {
    opType: 'MaxPool',
    says: 'overlapping 3x3, stride 2',
    inputs: { x: [1, 2, 6, 6] },
    output: [1, 2, 3, 3],
    attributes: { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) },
    values: apart,
  },
  { opType: 'Reshape', says: '', inputs: { x: [2, 6] }, output: [3, 4], constants: (b) => [integers(b, [3, 4])] },
  { opType: 'Flatten', says: '', inputs: { x: [2, 3, 2] }, output: [2, 6] },
  { opType: 'Squeeze', says: '', inputs: { x: [2, 1, 3] }, output: [2, 3], constants: (b) => [integers(b, [1])] },
  { opType: 'Unsqueeze', says: '', inputs: { x: [2, 3] }, output: [2, 1, 3], constants: (b) => [integers(b, [1])] },
  { opType: 'Identity', says: '', inputs: { x: [2, 3] }, output: [2, 3] },
  { opType: 'Dropout', says: 'at inference', inputs: { x: [2, 3] }, output: [2, 3] },
  {
    opType: 'Transpose',
    says: 'a cycle of three axes',
    inputs: { x: [2, 3, 4] },
    output: [4, 2, 3],
    attributes: { perm: ints([2, 0, 1]) },
  },
  {
    opType: 'Concat',
    says: 'channels',
    inputs: { a: [2, 1, 3], b: [2, 4, 3] },
    output: [2, 5, 3],
    attributes: { axis: int(1) },
  },
  {
    opType: 'Split',
    says: 'only one part used',
    inputs: { x: [2, 6] },
    output: [2, 2],
    attributes: { axis: int(1) },
    constants: (b) => [integers(b, [2, 4])],
    outputs: 2,
  },
  {
    opType: 'Slice',
    says: 'the shortcut of a CIFAR ResNet',
    inputs: { x: [2, 3, 6, 7] },
    output: [2, 3, 3, 4],
    constants: (b) => [
      integers(b, [0, 0]),
      integers(b, [2147483647, 2147483647]),
      integers(b, [2, 3]),
      integers(b, [2, 2]),
    ],
  },
  {
    opType: 'Slice',
    says: 'from the middle, counted from the end',
    inputs: { x: [3, 8] },
    output: [3, 4],
    constants: (b) => [integers(b, [-6]), integers(b, [-2]), integers(b, [1])],
  },
  {
    opType: 'Pad',
    says: 'channels',
    inputs: { x: [2, 3, 2] },
    output: [2, 6, 2],
    constants: (b) => [integers(b, [0, 1, 0, 0, 2, 0])],
  },
  {
    opType: 'Gather',
    says: 'a codebook, some of it never, some often',
    inputs: { book: [4] },
    output: [2, 3],
    constants: (b) => [b.constant('places', int64Tensor([2, 3], [0, 2, 2, 3, 0, 2]))],
  },
  {
    opType: 'Gather',
    says: 'from the middle axis',
    inputs: { x: [2, 3, 4] },
    output: [2, 2, 4],
    attributes: { axis: int(1) },
    constants: (b) => [integers(b, [2, 0])],
  },
  { opType: 'Expand', says: '', inputs: { x: [3, 1] }, output: [2, 3, 4], constants: (b) => [integers(b, [2, 3, 4])] },
  {
    opType: 'ReduceMean',
    says: 'over the picture',
    inputs: { x: [2, 3, 4, 4] },
    output: [2, 3],
    attributes: { axes: ints([2, 3]), keepdims: int(0) },
  },
  {
    opType: 'ReduceSum',
    says: 'kept',
    inputs: { x: [2, 3, 4] },
    output: [2, 1, 4],
    constants: (b) => [integers(b, [1])],
  },
  { opType: 'Softmax', says: 'last axis', inputs: { x: [3, 5] }, output: [3, 5] },
  {
    opType: 'LogSoftmax',
    says: 'middle axis',
    inputs: { x: [2, 4, 3] },
    output: [2, 4, 3],
    attributes: { axis: int(1) },
  },
  { opType: 'LayerNormalization', says: '', inputs: { x: [2, 3, 8], gain: [8], shift: [8] }, output: [2, 3, 8] },
  {
    opType: 'BatchNormalization',
    says: 'frozen',
    inputs: { x: [2, 3, 4, 4], gain: [3], shift: [3] },
    output: [2, 3, 4, 4],
    constants: (b) => [
      b.constant('mean', float32Tensor([3], Float32Array.of(0.1, -0.4, 2))),
      b.constant('variance', float32Tensor([3], Float32Array.of(0.5, 1, 2))),
    ],
  },
  {
    opType: 'BatchNormalization',
    says: 'training',
    inputs: { x: [3, 3, 4, 4], gain: [3], shift: [3] },
    output: [3, 3, 4, 4],
    constants: (b) => [
      b.constant('mean', float32Tensor([3], new Float32Array(3))),
      b.constant('variance', float32Tensor([3], new Float32Array(3).fill(1))),
    ],
    attributes: { training_mode: int(1), momentum: float(0) },
    outputs: 3,
  },
];
