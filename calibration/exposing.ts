import { WaysideError } from '../core/errors.ts';
import type { Model } from '../onnx/graph.ts';

/** The model with the watched values among its outputs, so that ONNX Runtime hands them out. */
export function exposing(model: Model, values: readonly string[]): Model {
  const { graph } = model;
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const given = new Set(graph.inputs.map(({ name }) => name));
  const added = [...new Set(values)].filter((name) => !outputs.has(name) && !given.has(name));
  const unknown = added.find((name) => !made.has(name));
  if (unknown !== undefined) {
    throw new WaysideError('CALIBRATION_MISMATCH', {
      message: `the model has no value ${JSON.stringify(unknown)} to observe`,
    });
  }
  const exposed = added.map((name) => ({ name, dtype: 'float32' as const, shape: null }));
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, ...exposed] } };
}
