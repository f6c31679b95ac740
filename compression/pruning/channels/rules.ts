import { alongOthers, meeting, onImages, passThrough } from './rules/elementwise.ts';
import {
  batchNormalization,
  convolution,
  gemm,
  instanceNormalization,
  matMul,
  transposedConvolution,
} from './rules/layers.ts';
import { reduction, reshape, squeeze, transpose, unsqueeze } from './rules/layout.ts';
import type { ChannelRule } from './rules/rule.ts';
import { concat, gather, pad, resize, slice, split } from './rules/selection.ts';

const PASSING = [
  'Relu',
  'LeakyRelu',
  'Elu',
  'Selu',
  'Celu',
  'Mish',
  'Clip',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Softsign',
  'Tanh',
  'Erf',
  'Exp',
  'Sqrt',
  'Reciprocal',
  'Neg',
  'Abs',
  'Identity',
  'Dropout',
  'Gelu',
  'Softplus',
  'Cast',
];

const ON_IMAGES = ['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'LpPool', 'GlobalLpPool'];
const MEETING = ['Add', 'Sub', 'Mul', 'Div', 'PRelu', 'Pow', 'Min', 'Max', 'Sum'];
const REDUCING = ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL2'];

/** The rule of every operator that channels can pass; any other freezes what it touches. */
export const CHANNEL_RULES: ReadonlyMap<string, ChannelRule> = new Map<string, ChannelRule>([
  ...PASSING.map((opType) => [opType, passThrough] as const),
  ...ON_IMAGES.map((opType) => [opType, onImages] as const),
  ...MEETING.map((opType) => [opType, meeting] as const),
  ...REDUCING.map((opType) => [opType, reduction] as const),
  ['Softmax', alongOthers],
  ['LogSoftmax', alongOthers],
  ['Conv', convolution],
  ['ConvTranspose', transposedConvolution],
  ['Gemm', gemm],
  ['MatMul', matMul],
  ['BatchNormalization', batchNormalization],
  ['InstanceNormalization', instanceNormalization],
  ['Concat', concat],
  ['Flatten', reshape],
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Pad', pad],
  ['Slice', slice],
  ['Split', split],
  ['Gather', gather],
  ['Resize', resize],
]);
