import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../onnx/attributes.ts';
import type { Graph, Node } from '../onnx/graph.ts';
import { asFloat32, elementCount, type Tensor } from '../onnx/tensor.ts';

/** How a convolution walks over its image. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Top, left, bottom, right; or the rule by which they follow from the image's size. */
  readonly pads: readonly [number, number, number, number] | 'SAME_UPPER' | 'SAME_LOWER';
}

/** A convolution or matrix product with constant weights: what is quantized and clustered. */
export interface Layer {
  readonly node: Node;
  readonly input: string;
  readonly output: string;
  readonly weights: Tensor;
  readonly bias: Float32Array | undefined;
  /** Output channels. */
  readonly rows: number;
  /** Weights of one output channel. */
  readonly columns: number;
  readonly groups: number;
  /** Stored as `[columns, rows]`: a Gemm without transB, a MatMul. */
  readonly transposed: boolean;
  /** Absent for matrix products. */
  readonly window: Window | undefined;
}

/** The layer a node is; undefined for other operators, weights that are computed, and forms without an int8 kernel. */
export function layerOf(graph: Graph, node: Node): Layer | undefined {
  const weights = graph.initializers.get(node.inputs[1] ?? '');
  if (node.domain !== '' || weights?.dtype !== 'float32') return undefined;
  const [input = ''] = node.inputs;
  const [output = ''] = node.outputs;
  const biasName = node.inputs[2] ?? '';
  const biasTensor = graph.initializers.get(biasName);
  if (biasName !== '' && biasTensor?.dtype !== 'float32') return undefined;
  const bias = biasTensor && asFloat32(biasTensor);
  const shared = { node, input, output, weights, bias };
  const layer = node.opType === 'Conv' ? convolution(node, weights) : matrixProduct(node, weights);
  if (layer === undefined || layer.rows * layer.columns === 0) return undefined;
  return bias === undefined || bias.length === layer.rows ? { ...shared, ...layer } : undefined;
}

type Form = Pick<Layer, 'rows' | 'columns' | 'groups' | 'transposed' | 'window'>;

function convolution(node: Node, { dims }: Tensor): Form | undefined {
  const [rows = 0, channels = 0, height = 0, width = 0] = dims;
  if (dims.length !== 4) return undefined;
  const pair = (name: string): readonly [number, number] => {
    const [a = 1, b = 1] = intsAttribute(node, name, [1, 1]);
    return [a, b];
  };
  const automatic = stringAttribute(node, 'auto_pad', 'NOTSET');
  const [top = 0, left = 0, bottom = 0, right = 0] = intsAttribute(node, 'pads', [0, 0, 0, 0]);
  const pads =
    automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER' ? automatic : ([top, left, bottom, right] as const);
  return {
    rows,
    columns: channels * height * width,
    groups: intAttribute(node, 'group', 1),
    transposed: false,
    window: { kernel: [height, width], strides: pair('strides'), dilations: pair('dilations'), pads },
  };
}

function matrixProduct(node: Node, { dims }: Tensor): Form | undefined {
  if (dims.length !== 2 || (node.opType !== 'Gemm' && node.opType !== 'MatMul')) return undefined;
  const plain = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;
  if (!plain || intAttribute(node, 'transA', 0) !== 0) return undefined;
  const transposed = intAttribute(node, 'transB', 0) === 0;
  const [first = 0, second = 0] = dims;
  const [rows, columns] = transposed ? [second, first] : [first, second];
  return { rows, columns, groups: 1, transposed, window: undefined };
}

export const layersOf = (graph: Graph): Layer[] =>
  graph.nodes.flatMap((node) => {
    const layer = layerOf(graph, node);
    return layer === undefined ? [] : [layer];
  });

/** The weights as `[rows, columns]`, one output channel a row. A view where the file stores them so. */
export function weightRows({ weights, rows, columns, transposed }: Layer): Float32Array {
  const values = asFloat32(weights);
  if (!transposed) return values;
  const turned = new Float32Array(values.length);
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) turned[r * columns + c] = values[c * rows + r]!;
  return turned;
}

/** Codes or weights in `[rows, columns]` back in the order in which the file stores the weights. */
export function storedOrder<T extends Int8Array | Float32Array>({ rows, columns, transposed }: Layer, codes: T): T {
  if (!transposed) return codes;
  const turned = codes.slice() as T;
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) turned[c * rows + r] = codes[r * columns + c]!;
  return turned;
}

export const weightCount = ({ weights }: Layer): number => elementCount(weights.dims);
