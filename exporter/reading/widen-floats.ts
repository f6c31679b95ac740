import { WaysideError } from '../../core/errors.ts';
import type { Attribute, Attributes, Graph, Model, Node, ValueType } from '../../onnx/graph.ts';
import { float32Tensor, type Tensor } from '../../onnx/tensor.ts';
import { allGraphs } from '../../onnx/topology.ts';
import { DATA_TYPES, type DataType } from '../../onnx/types.ts';

/** Attributes whose number is a data type: Cast, EyeLike and Random*, DequantizeLinear, windows, LayerNormalization, Attention. */
const TYPE_ATTRIBUTES: ReadonlySet<string> = new Set([
  'to',
  'dtype',
  'output_dtype',
  'output_datatype',
  'precision',
  'stash_type',
  'softmax_precision',
]);

const isNarrow = (dtype: DataType): dtype is 'float16' | 'bfloat16' => dtype === 'float16' || dtype === 'bfloat16';
const isNarrowNumber = (value: number): boolean => value === DATA_TYPES.float16 || value === DATA_TYPES.bfloat16;

/**
 * The model in float32 throughout, inputs and outputs included: every float16 and bfloat16 number is a float32 number. Casts
 * that thereby lose their purpose stay; `removeIdentity` takes them away. A model without narrow floats comes back as it is.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED for one that reads the bits of narrow floats
 */
export function widenFloats(model: Model): Model {
  if (!allGraphs(model.graph).some(holdsNarrow)) return model;
  for (const graph of allGraphs(model.graph)) {
    const node = graph.nodes.find(({ opType }) => opType === 'BitCast');
    if (node === undefined) continue;
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `node ${node.name} (BitCast) reads the bits of numbers in a model of 16-bit floats`,
      hint: 'export the model in float32',
    });
  }
  return { ...model, graph: widenGraph(model.graph) };
}

function holdsNarrow({ inputs, outputs, valueInfo, initializers, nodes }: Graph): boolean {
  const types = [...inputs, ...outputs, ...valueInfo.values(), ...initializers.values()];
  return types.some(({ dtype }) => isNarrow(dtype)) || nodes.some(({ attributes }) => namesNarrow(attributes));
}

const namesNarrow = (attributes: Attributes): boolean =>
  Object.entries(attributes).some(
    ([name, { type, value }]) =>
      (type === 'int' && TYPE_ATTRIBUTES.has(name) && isNarrowNumber(value)) ||
      (type === 'tensor' && isNarrow(value.dtype)),
  );

function widenGraph(graph: Graph): Graph {
  return {
    ...graph,
    inputs: graph.inputs.map(widenType),
    outputs: graph.outputs.map(widenType),
    valueInfo: new Map([...graph.valueInfo].map(([name, type]) => [name, widenType(type)])),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [name, widenTensor(tensor)])),
    nodes: graph.nodes.map(widenNode),
  };
}

const widenType = <T extends ValueType>(type: T): T => (isNarrow(type.dtype) ? { ...type, dtype: 'float32' } : type);

const widenNode = (node: Node): Node => ({
  ...node,
  attributes: Object.fromEntries(
    Object.entries(node.attributes).map(([name, attribute]) => [name, widenAttribute(name, attribute)]),
  ),
});

function widenAttribute(name: string, attribute: Attribute): Attribute {
  if (attribute.type === 'tensor') return { type: 'tensor', value: widenTensor(attribute.value) };
  if (attribute.type === 'graph') return { type: 'graph', value: widenGraph(attribute.value) };
  const narrow = attribute.type === 'int' && TYPE_ATTRIBUTES.has(name) && isNarrowNumber(attribute.value);
  return narrow ? { type: 'int', value: DATA_TYPES.float32 } : attribute;
}

function widenTensor(tensor: Tensor): Tensor {
  const { dtype, dims, bytes } = tensor;
  if (!isNarrow(dtype)) return tensor;
  const codes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / 2;
  const bits = new Uint32Array(count);
  // A bfloat16 is the upper half of a float32.
  const widen = dtype === 'bfloat16' ? (code: number) => (code << 16) >>> 0 : float32Bits;
  for (let i = 0; i < count; i++) bits[i] = widen(codes.getUint16(2 * i, true));
  return float32Tensor(dims, new Float32Array(bits.buffer));
}

/** The float32 with the value of a float16 (IEEE 754 binary16: 1 bit of sign, 5 of exponent with bias 15, 10 of fraction). */
function float32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0; // infinity, NaN with its payload
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0; // 112 = 127 - 15
  if (fraction === 0) return sign >>> 0;
  // Subnormal: fraction * 2^-24, normal in float32 once its leading bit is shifted to the implicit place.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}
