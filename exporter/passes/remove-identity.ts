import type { Graph, Node } from '../../onnx/graph.ts';
import { noneOf, pass } from '../../onnx/pass.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { readsInside, rewired, withGraph } from './rewrite.ts';

/** At inference these hand their first input on unchanged (a Dropout's training mode is never set in a classifier's file). */
const IDENTITIES = new Set(['Identity', 'Dropout']);

/**
 * Removes Identity and Dropout.
 *
 * Keeps one that connects a graph input, a constant or another graph output with a graph output: the names at both ends are
 * the caller's and must stay. Keeps a Dropout whose mask is read.
 */
export const removeIdentity = pass({
  name: 'remove-identity',
  ensures: [noneOf('Dropout')],
  run(model) {
    let graph = model.graph;
    for (const node of model.graph.nodes) graph = without(graph, node) ?? graph;
    return withGraph(model, graph);
  },
});

function without(graph: Graph, { name }: Node): Graph | undefined {
  const node = graph.nodes.find((each) => each.name === name);
  if (node === undefined || node.domain !== '' || !IDENTITIES.has(node.opType)) return undefined;
  const [input = ''] = node.inputs;
  const [output = '', mask = ''] = node.outputs;
  const index = indexGraph(graph);
  const inside = readsInside(graph);
  if (inside.has(output) || (mask !== '' && (index.consumers(mask).length > 0 || index.isOutput(mask))))
    return undefined;
  const others = graph.nodes.filter((each) => each !== node);
  if (!index.isOutput(output)) {
    return { ...graph, nodes: others.map((each) => rewired(each, new Map([[output, input]]))) };
  }
  const producer = index.producer(input);
  if (producer === undefined || index.isOutput(input) || inside.has(input)) return asIdentity(graph, node);
  const names = new Map([[input, output]]);
  const nodes = others.map((each) =>
    each === producer
      ? { ...each, outputs: each.outputs.map((value) => names.get(value) ?? value) }
      : rewired(each, names),
  );
  return { ...graph, nodes };
}

/** A Dropout that cannot go becomes the Identity that it is. */
function asIdentity(graph: Graph, node: Node): Graph {
  const identity: Node = {
    ...node,
    opType: 'Identity',
    inputs: node.inputs.slice(0, 1),
    outputs: node.outputs.slice(0, 1),
    attributes: {},
  };
  return { ...graph, nodes: graph.nodes.map((each) => (each === node ? identity : each)) };
}
