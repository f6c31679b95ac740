import type { Graph, Model, Node } from '../../../onnx/graph.ts';
import { asFloat32, elementCount, float32Tensor, type Tensor } from '../../../onnx/tensor.ts';
import { indexGraph } from '../../../onnx/topology.ts';
import type { Layer } from '../../layers.ts';

/**
 * The model with other weights for one layer. A layer without a bias gets one if there is one to give; that of a MatMul, which
 * has no place for one, goes into the constant that is added to it, and is lost where none is.
 *
 * @param rows `[rows, columns]`, one output channel a row
 */
export function withLayerWeights(model: Model, layer: Layer, rows: Float32Array, bias?: Float32Array): Model {
  const { graph } = model;
  const [x = '', weight = '', known = ''] = layer.node.inputs;
  const name = known === '' ? freeName(graph, `${weight}.bias`) : known;
  const initializers = new Map(graph.initializers);
  initializers.set(weight, float32Tensor(layer.weights.dims, stored(layer, rows)));
  if (bias === undefined) return { ...model, graph: { ...graph, initializers } };
  if (layer.node.opType === 'MatMul') {
    shiftSum(graph, layer, bias, initializers);
    return { ...model, graph: { ...graph, initializers } };
  }
  const dims = graph.initializers.get(known)?.dims ?? [layer.rows];
  initializers.set(name, float32Tensor(dims, bias));
  const changed: Node = { ...layer.node, inputs: [x, weight, name] };
  const nodes = graph.nodes.map((node) => (node.name === layer.node.name ? changed : node));
  return { ...model, graph: { ...graph, nodes, initializers } };
}

const freeName = (graph: Graph, wanted: string): string =>
  graph.initializers.has(wanted) ? freeName(graph, `${wanted}_1`) : wanted;

function stored({ rows, columns, transposed }: Layer, values: Float32Array): Float32Array {
  if (!transposed) return values;
  const turned = new Float32Array(values.length);
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) turned[c * rows + r] = values[r * columns + c]!;
  return turned;
}

/** Adds the bias to the constant of one number a column that is added to the product, where nobody else reads it. */
function shiftSum(graph: Graph, { output, rows }: Layer, bias: Float32Array, initializers: Map<string, Tensor>): void {
  const index = indexGraph(graph);
  const [add, ...others] = index.consumers(output);
  const name = add?.inputs.find((value) => value !== output) ?? '';
  const constant = graph.initializers.get(name);
  if (add?.opType !== 'Add' || others.length > 0 || constant?.dtype !== 'float32') return;
  if (constant.dims.at(-1) !== rows || elementCount(constant.dims) !== rows) return;
  if (index.consumers(name).length > 1 || index.isOutput(output)) return;
  const shifted = asFloat32(constant).map((value, i) => value + bias[i]!);
  initializers.set(name, float32Tensor(constant.dims, shifted));
}
