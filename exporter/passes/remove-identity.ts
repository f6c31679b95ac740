import { intAttribute } from '../../onnx/attributes.ts';
import type { Graph, Model, Node, ValueType } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { DATA_TYPES } from '../../onnx/types.ts';
import { readsInside, rewired, withGraph } from './rewrite.ts';

/** At inference these hand their first input on unchanged (a Dropout's training mode is never set in a classifier's file). */
const IDENTITIES = new Set(['Identity', 'Dropout']);

/**
 * Removes Identity, Dropout, and Casts to the type that a value has already.
 *
 * Keeps one that connects a graph input, a constant or another graph output with a graph output: the names at both ends are
 * the caller's and must stay. Keeps a Dropout whose mask is read.
 */
export const removeIdentity = pass({
  name: 'remove-identity',
  run(model) {
    let graph = model.graph;
    for (const node of identitiesOf(model)) graph = without(graph, node) ?? graph;
    return withGraph(model, graph);
  },
});

function identitiesOf(model: Model): readonly Node[] {
  const { nodes } = model.graph;
  const types = nodes.some(({ opType }) => opType === 'Cast') ? inferShapes(model) : new Map<string, ValueType>();
  return nodes.filter((node) => {
    if (node.domain !== '') return false;
    if (node.opType !== 'Cast') return IDENTITIES.has(node.opType);
    const dtype = types.get(node.inputs[0] ?? '')?.dtype;
    return dtype !== undefined && DATA_TYPES[dtype] === intAttribute(node, 'to', 0);
  });
}

function without(graph: Graph, { name }: Node): Graph | undefined {
  const node = graph.nodes.find((each) => each.name === name);
  if (node === undefined) return undefined;
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

/** One that cannot go becomes the Identity that it is. */
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
