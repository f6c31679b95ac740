import type { Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { withoutDeadNodes } from './eliminate-dead.ts';
import { withGraph } from './rewrite.ts';

/** Operators with outputs that need not be asked for, and the first of these (onnx Operators.md, ONNX Runtime ContribOperators.md). */
const OPTIONAL_FROM: ReadonlyMap<string, number> = new Map([
  ['BatchNormalization', 1],
  ['Dropout', 1],
  ['MaxPool', 1],
  ['LayerNormalization', 1],
  ['Unique', 1],
  ['SkipLayerNormalization', 1],
  ['SkipSimplifiedLayerNormalization', 1],
  ['SimplifiedLayerNormalization', 1],
  ['SoftmaxCrossEntropyLoss', 1],
  ['Attention', 1],
  ['LSTM', 1],
  ['GRU', 1],
  ['RNN', 1],
]);

/**
 * Takes back outputs that a node need not give and nobody reads: the mask of a Dropout, the statistics that a BatchNormalization
 * kept for training, the indices of a MaxPool. They would be taken for a use of the operator that inference has not.
 */
export const dropUnreadOutputs = pass({
  name: 'drop-unread-outputs',
  run(model) {
    if (!model.graph.nodes.some((node) => node.outputs.length > optionalFrom(node))) return model;
    const graph = { ...model.graph, ...withoutDeadNodes(model.graph) };
    const index = indexGraph(graph);
    const unread = (value: string): boolean => index.consumers(value).length === 0 && !index.isOutput(value);
    const gone = new Set<string>();
    const nodes = graph.nodes.map((node): Node => {
      const first = optionalFrom(node);
      const dropped = node.outputs.filter((output, i) => i >= first && output !== '' && unread(output));
      if (dropped.length === 0 && node.outputs.at(-1) !== '') return node;
      for (const output of dropped) gone.add(output);
      const outputs = node.outputs.map((output) => (dropped.includes(output) ? '' : output));
      while (outputs.length > 1 && outputs.at(-1) === '') outputs.pop();
      return { ...node, outputs };
    });
    if (gone.size === 0) return model;
    const valueInfo = new Map([...graph.valueInfo].filter(([name]) => !gone.has(name)));
    return withGraph(model, { ...graph, nodes, valueInfo });
  },
});

const optionalFrom = ({ opType }: Node): number => OPTIONAL_FROM.get(opType) ?? Number.POSITIVE_INFINITY;
