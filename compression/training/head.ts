import { WaysideError } from '../../core/errors.ts';
import { seededRandom } from '../../core/random.ts';
import { intAttribute } from '../../onnx/attributes.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { asIntegers, elementCount, float32Tensor, int64Tensor, type Tensor } from '../../onnx/tensor.ts';
import { type GraphIndex, indexGraph } from '../../onnx/topology.ts';

/** What may stand between the last weights and the scores. */
const AFTER_HEAD: ReadonlySet<string> = new Set([
  'Softmax',
  'LogSoftmax',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'AveragePool',
  'ReduceMean',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Relu',
  'Identity',
  'Dropout',
]);

/** The last weights of a network, which make its scores. */
interface Head {
  readonly node: Node;
  /** Initializers. */
  readonly weight: string;
  readonly bias: string | undefined;
  /** Axis of the weight that counts the scores. */
  readonly axis: number;
  /** Reshapes behind it, whose targets may count the scores. */
  readonly reshapes: readonly Node[];
}

/**
 * The matrix product or convolution that makes the scores; a MatMul together with the Add of its bias.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED when the network ends in anything else
 */
function headOf({ graph }: Model): Head {
  const index = indexGraph(graph);
  const reshapes: Node[] = [];
  let bias: string | undefined;
  let node = index.producer(graph.outputs[0]?.name ?? '');
  while (node !== undefined) {
    const added = bias === undefined ? biasAdded(graph, index, node) : undefined;
    if (added !== undefined) {
      bias = added.bias;
      node = added.product;
      break;
    }
    if (!AFTER_HEAD.has(node.opType)) break;
    if (node.opType === 'Reshape') reshapes.push(node);
    node = index.producer(node.inputs[0] ?? '');
  }
  const [, weight = '', own] = node?.inputs ?? [];
  const axis = node && scoreAxis(node, graph.initializers.get(weight));
  if (node !== undefined && axis !== undefined)
    return { node, weight, bias: bias ?? (own || undefined), axis, reshapes };
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `the network ends in ${node?.opType ?? 'no operator'}, not in a Gemm, MatMul or Conv with constant weights`,
    hint: 'only such a head can be replaced or trained alone',
  });
}

/** Axis of the weight that counts what is made of it; undefined for what makes no scores. */
function scoreAxis(node: Node, weight: Tensor | undefined): number | undefined {
  if (weight === undefined) return undefined;
  if (node.opType === 'MatMul' && weight.dims.length === 2) return 1;
  if (node.opType === 'Gemm') return intAttribute(node, 'transB', 0) === 0 ? 1 : 0;
  return node.opType === 'Conv' && intAttribute(node, 'group', 1) === 1 ? 0 : undefined;
}

/** The product and the constant that an Add joins. */
function biasAdded(graph: Graph, index: GraphIndex, node: Node): { product: Node; bias: string } | undefined {
  if (node.opType !== 'Add') return undefined;
  const bias = node.inputs.find((value) => graph.initializers.has(value));
  const product = index.producer(node.inputs.find((value) => value !== bias) ?? '');
  if (bias === undefined || product === undefined || (product.inputs[2] ?? '') !== '') return undefined;
  const weight = graph.initializers.get(product.inputs[1] ?? '');
  const axis = scoreAxis(product, weight);
  const scores = axis === undefined ? undefined : weight?.dims[axis];
  return elementCount(graph.initializers.get(bias)?.dims ?? []) === scores ? { product, bias } : undefined;
}

/** Scores the model gives, as its head says. */
export function classesOf(model: Model): number {
  const { weight, axis } = headOf(model);
  return model.graph.initializers.get(weight)?.dims[axis] ?? 0;
}

/** Names of what belongs to the head: what is trained when all else is frozen. */
export const headParameters = (model: Model): ReadonlySet<string> => {
  const { weight, bias } = headOf(model);
  return new Set(bias === undefined ? [weight] : [weight, bias]);
};

/**
 * The model with a new head for another number of classes: weights N(0, 1 / fan-in), biases 0. Everything before it stays.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED as `headOf`
 */
export function withHead(model: Model, classes: number, seed: number): Model {
  const { graph } = model;
  const { weight, bias, axis, reshapes } = headOf(model);
  const dims = graph.initializers.get(weight)?.dims ?? [];
  const before = dims[axis] ?? 0;
  const fresh = dims.map((dim, i) => (i === axis ? classes : dim));
  const random = seededRandom(seed);
  const deviation = Math.sqrt(classes / elementCount(fresh));
  const values = Float32Array.from({ length: elementCount(fresh) }, () => random.normal() * deviation);
  const initializers = new Map(graph.initializers).set(weight, float32Tensor(fresh, values));
  if (bias !== undefined) {
    const shape = (graph.initializers.get(bias)?.dims ?? []).map((dim) => (dim === before ? classes : dim));
    initializers.set(bias, float32Tensor(shape, new Float32Array(classes)));
  }
  const nodes = graph.nodes.map((node) =>
    reshapes.includes(node) ? recounted(node, before, classes, initializers) : node,
  );
  const outputs = graph.outputs.map((output, i) =>
    i === 0 && output.shape ? { ...output, shape: output.shape.map((dim, d) => (d === 1 ? classes : dim)) } : output,
  );
  return { ...model, graph: { ...graph, nodes, initializers, outputs, valueInfo: new Map() } };
}

/** A Reshape whose target counts the scores, with a target of its own that counts them anew. */
function recounted(node: Node, before: number, classes: number, initializers: Map<string, Tensor>): Node {
  const [data = '', target = ''] = node.inputs;
  const tensor = initializers.get(target);
  if (tensor === undefined) return node;
  const counts = asIntegers(tensor).map((count, i) => (i > 0 && count === before ? classes : count));
  const name = `${target}_of_${classes}`;
  initializers.set(name, int64Tensor([counts.length], counts));
  return { ...node, inputs: [data, name] };
}
