import type { Model } from '../../onnx/graph.ts';
import { indexGraph } from '../../onnx/topology.ts';

/**
 * The model with its scores before a final Softmax as the output: the losses take logits, and a Softmax in a network
 * trained on them would be applied twice.
 */
export function withLogits(model: Model): Model {
  const { graph } = model;
  const output = graph.outputs[0]!;
  const last = indexGraph(graph).producer(output.name);
  const [logits = ''] = last?.inputs ?? [];
  if (last?.opType !== 'Softmax' || logits === '') return model;
  const outputs = [{ ...output, name: logits }, ...graph.outputs.slice(1)];
  return { ...model, graph: { ...graph, outputs, nodes: graph.nodes.filter((node) => node !== last) } };
}
