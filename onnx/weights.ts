import { distinctElements } from './distinct.ts';
import { packedBytes } from './file/packed-bytes.ts';
import type { Graph, Node } from './graph.ts';
import { elementCount } from './tensor.ts';
import type { GraphIndex } from './topology.ts';

/** Which input of an operator is its weight: those of ONNX, and what ONNX Runtime makes of them. */
const WEIGHT_INPUT: ReadonlyMap<string, number> = new Map([
  ...['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'ConvInteger', 'MatMulInteger'].map((name) => [name, 1] as const),
  ...['FusedConv', 'FusedGemm', 'FusedMatMul', 'DynamicQuantizeMatMul', 'MatMulIntegerToFloat'].map(
    (name) => [name, 1] as const,
  ),
  ...['QLinearConv', 'QLinearMatMul', 'QGemm'].map((name) => [name, 3] as const),
]);

/** Operators that hand a weight on without changing its values. */
const PASSING = new Set(['Identity', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Cast']);

/** How a weight lies in the file, before ONNX Runtime folds it. */
export interface StoredWeight {
  readonly node: Node;
  /** Weights, as the layer sees them. */
  readonly elements: number;
  /** Distinct values: floats of a float tensor, codes of a quantized one (scales differ by channel), codebook entries in use. */
  readonly unique: number;
  readonly form: 'float' | 'quantized' | 'codebook';
}

/** Follows a value back to the constants it is made of; undefined when it depends on an input of the graph. */
function trace(graph: Graph, index: GraphIndex, value: string): Omit<StoredWeight, 'node'> | undefined {
  const tensor = graph.initializers.get(value);
  if (tensor !== undefined) {
    const form = tensor.dtype.startsWith('float') || tensor.dtype === 'bfloat16' ? 'float' : 'quantized';
    return { elements: elementCount(tensor.dims), unique: distinctElements(tensor), form };
  }
  const producer = index.producer(value);
  const source = producer?.inputs[0];
  if (producer === undefined || source === undefined) return undefined;
  if (producer.opType === 'DequantizeLinear') {
    const stored = trace(graph, index, source);
    return stored && { ...stored, form: stored.form === 'float' ? 'quantized' : stored.form };
  }
  if (PASSING.has(producer.opType)) return trace(graph, index, source);
  if (
    /^Gather(Elements)?$/.test(producer.opType) &&
    graph.initializers.has(source) &&
    producer.inputs[1] !== undefined
  ) {
    const indices = trace(graph, index, producer.inputs[1]);
    if (indices !== undefined) return { ...indices, form: 'codebook' };
    const unpacked = packedBytes(graph, index, producer.inputs[1]);
    return unpacked && { elements: unpacked.length, unique: new Set(unpacked).size, form: 'codebook' };
  }
  return undefined;
}

/** The constant weights of every convolution and matrix product, in graph order. */
export function storedWeights(graph: Graph, index: GraphIndex): StoredWeight[] {
  return graph.nodes.flatMap((node) => {
    const weight = node.inputs[WEIGHT_INPUT.get(node.opType) ?? -1];
    if (weight === undefined) return [];
    const stored = trace(graph, index, weight);
    return stored === undefined ? [] : [{ node, ...stored }];
  });
}
