import { WaysideError } from '../../core/errors.ts';
import { floatAttribute } from '../../onnx/attributes.ts';
import { constantValue } from '../../onnx/constants.ts';
import { nonFiniteWeight } from '../../onnx/finite.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { asFloat32 } from '../../onnx/tensor.ts';

/**
 * Refuses a model whose weights are no numbers, and names the tensor and who reads it.
 *
 * @param what is refused, for the message: the model that was given, or one about to be written
 * @throws {WaysideError} MODEL_NOT_FINITE
 */
export function requireFiniteWeights({ graph }: Model, what: string): void {
  const found = nonFiniteWeight(graph);
  if (found !== undefined) {
    const { tensor, node, opType, value } = found;
    throw notFinite(`${what}: ${tensor}, read by ${opType} ${node}, holds ${value}`);
  }
  for (const node of graph.nodes) {
    const negative = negativeVariance(graph, node);
    if (negative === undefined) continue;
    throw notFinite(
      `${what}: ${negative}, the variance of ${node.opType} ${node.name}, is negative: it has no square root`,
    );
  }
}

export const notFinite = (message: string): WaysideError =>
  new WaysideError('MODEL_NOT_FINITE', {
    message,
    hint: 'the training it came from has probably diverged, or the export went wrong: export a checkpoint from before',
  });

/** Name of a variance that its epsilon does not make positive. */
function negativeVariance(graph: Graph, node: Node): string | undefined {
  if (node.opType !== 'BatchNormalization' || node.domain !== '') return undefined;
  const [, , , , name = ''] = node.inputs;
  const maker = graph.nodes.find(({ outputs }) => outputs.includes(name));
  const tensor = graph.initializers.get(name) ?? (maker === undefined ? undefined : constantValue(maker));
  if (tensor?.dtype !== 'float32') return undefined;
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  return asFloat32(tensor).every((variance) => variance + epsilon > 0) ? undefined : name;
}
