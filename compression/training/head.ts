import { WaysideError } from '../../core/errors.ts';
import { seededRandom } from '../../core/random.ts';
import { intAttribute } from '../../onnx/attributes.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { elementCount, float32Tensor } from '../../onnx/tensor.ts';
import { indexGraph } from '../../onnx/topology.ts';

/** What may stand between the last weights and the scores. */
const AFTER_HEAD: ReadonlySet<string> = new Set([
  'Softmax',
  'GlobalAveragePool',
  'Flatten',
  'Squeeze',
  'Relu',
  'Identity',
]);

/**
 * The matrix product or convolution that makes the scores.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED when the network ends in anything else
 */
export function headOf({ graph }: Model): Node {
  const index = indexGraph(graph);
  let node = index.producer(graph.outputs[0]?.name ?? '');
  while (node !== undefined && AFTER_HEAD.has(node.opType)) node = index.producer(node.inputs[0] ?? '');
  const plain = node?.opType === 'Gemm' || (node?.opType === 'Conv' && intAttribute(node, 'group', 1) === 1);
  if (node !== undefined && plain && graph.initializers.has(node.inputs[1] ?? '')) return node;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `the network ends in ${node?.opType ?? 'no operator'}, not in a Gemm or Conv with constant weights`,
    hint: 'only such a head can be replaced or trained alone',
  });
}

/** Scores the model gives, as its head says. */
export function classesOf(model: Model): number {
  const head = headOf(model);
  const dims = model.graph.initializers.get(head.inputs[1] ?? '')?.dims ?? [];
  return (head.opType === 'Gemm' && intAttribute(head, 'transB', 0) === 0 ? dims[1] : dims[0]) ?? 0;
}

/**
 * The model with a new head for another number of classes: weights N(0, 1 / fan-in), biases 0. Everything before it stays.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED as `headOf`
 */
export function withHead(model: Model, classes: number, seed: number): Model {
  const { graph } = model;
  const head = headOf(model);
  const [, weight = '', bias = ''] = head.inputs;
  const dims = graph.initializers.get(weight)?.dims ?? [];
  const axis = head.opType === 'Gemm' && intAttribute(head, 'transB', 0) === 0 ? 1 : 0;
  const fresh = dims.map((dim, i) => (i === axis ? classes : dim));
  const random = seededRandom(seed);
  const deviation = Math.sqrt(classes / elementCount(fresh));
  const values = Float32Array.from({ length: elementCount(fresh) }, () => random.normal() * deviation);
  const initializers = new Map(graph.initializers).set(weight, float32Tensor(fresh, values));
  if (bias !== '') initializers.set(bias, float32Tensor([classes], new Float32Array(classes)));
  const outputs = graph.outputs.map((output, i) =>
    i === 0 && output.shape ? { ...output, shape: output.shape.map((dim, d) => (d === 1 ? classes : dim)) } : output,
  );
  return { ...model, graph: { ...graph, initializers, outputs, valueInfo: new Map() } };
}
