import { WaysideError } from '../../core/errors.ts';
import { describeOutputs } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { withoutDeadNodes } from '../passes/eliminate-dead.ts';
import { withGraph } from '../passes/rewrite.ts';

/**
 * The model with one of its outputs alone, and without what only the others needed: the auxiliary heads of GoogLeNet and Inception help
 * training and would be paid for at every image.
 *
 * @param name the same model where none is given
 * @throws {WaysideError} USAGE when there is no such output
 */
export function withChosenOutput(model: Model, name: string | undefined): Model {
  if (name === undefined) return model;
  const { outputs } = model.graph;
  const chosen = outputs.find((output) => output.name === name);
  if (chosen === undefined) {
    const specs = outputs.map((output) => ({
      ...output,
      type: output.dtype,
      shape: (output.shape ?? []).map((dim) => dim ?? '?'),
    }));
    throw new WaysideError('USAGE', {
      message: `the model has no output ${name}`,
      hint: `it has ${describeOutputs(specs)}`,
    });
  }
  if (outputs.length === 1) return model;
  const graph = { ...model.graph, outputs: [chosen] };
  return withGraph(model, { ...graph, ...withoutDeadNodes(graph) });
}
