import type { Attribute } from '../graph.ts';

type AttributeType = Attribute['type'];

const USUAL: Readonly<Partial<Record<AttributeType, readonly string[]>>> = {
  int: [
    'axis',
    'batch_axis',
    'blocksize',
    'broadcast',
    'ceil_mode',
    'center_point_box',
    'count_include_pad',
    'group',
    'hidden_size',
    'keepdims',
    'largest',
    'noop_with_empty_axes',
    'num_outputs',
    'output_dtype',
    'select_last_index',
    'size',
    'sorted',
    'spatial',
    'stash_type',
    'storage_order',
    'to',
    'transA',
    'transB',
    'training_mode',
    'block_size',
    'allowzero',
    'saturate',
  ],
  ints: ['axes', 'dilations', 'kernel_shape', 'output_padding', 'pads', 'perm', 'strides', 'starts', 'ends', 'steps'],
  float: ['alpha', 'beta', 'bias', 'epsilon', 'gamma', 'lambd', 'momentum', 'ratio', 'spatial_scale'],
  floats: ['scales'],
  string: ['auto_pad', 'coordinate_transformation_mode', 'mode', 'nearest_mode', 'approximate', 'reduction'],
};

/** Where an operator gives a usual name another type. */
const EXCEPTIONS: Readonly<Record<string, AttributeType>> = {
  'Constant.value': 'tensor',
  'ConstantOfShape.value': 'tensor',
  'Constant.value_float': 'float',
  'Constant.value_floats': 'floats',
  'Constant.value_int': 'int',
  'Constant.value_ints': 'ints',
  'Split.split': 'ints',
  'Reshape.shape': 'ints',
  'Upsample.scales': 'floats',
  'MeanVarianceNormalization.axes': 'ints',
};

/** The types ONNX gives attributes: nearly every name means the same everywhere. */
export const ATTRIBUTE_CHECKS = {
  usual: new Map(
    Object.entries(USUAL).flatMap(([type, names]) => names.map((name) => [name, type as AttributeType] as const)),
  ) as ReadonlyMap<string, AttributeType>,
  exceptions: new Map(Object.entries(EXCEPTIONS)) as ReadonlyMap<string, AttributeType>,
};
