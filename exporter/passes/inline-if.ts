import { graphAttribute } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferKnowledge } from '../../onnx/shapes.ts';
import { topologicalOrder, valuesGiven } from '../../onnx/topology.ts';
import { mapSubgraphs, withGraph } from './rewrite.ts';

/**
 * Puts the branch that is always taken in the place of each If whose condition is known before anything runs, as where an exporter
 * asked for a rank or a size. What the branch makes gets names of its own: both branches, and two Ifs, may use the same ones.
 *
 * Leaves alone an If whose condition depends on what is fed.
 */
export const inlineIf = pass({
  name: 'inline-if',
  run(model) {
    let { graph } = model;
    while (graph.nodes.some(isIf)) {
      const { values } = inferKnowledge(withGraph(model, graph));
      const node = graph.nodes.find((each) => isIf(each) && typeof values.get(each.inputs[0] ?? '')?.[0] === 'number');
      const taken = values.get(node?.inputs[0] ?? '')?.[0] === 0 ? 'else_branch' : 'then_branch';
      const branch = node && graphAttribute(node, taken);
      if (node === undefined || branch === undefined) break;
      graph = withBranch(graph, node, branch);
    }
    return graph === model.graph ? model : withGraph(model, graph);
  },
});

const isIf = ({ domain, opType }: Node): boolean => domain === '' && opType === 'If';

function withBranch(graph: Graph, node: Node, branch: Graph): Graph {
  const builder = GraphBuilder.over(graph);
  const renamed = new Map<string, string>();
  const local = [...branch.initializers.keys(), ...branch.nodes.flatMap(({ outputs }) => outputs)];
  for (const name of local) if (name !== '') renamed.set(name, builder.value(name));
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of branch.initializers) initializers.set(renamed.get(name) ?? name, tensor);
  const valueInfo = new Map(graph.valueInfo);
  for (const [name, type] of branch.valueInfo) valueInfo.set(renamed.get(name) ?? name, type);
  const inside = branch.nodes.map(
    (each): Node => ({
      ...renameReads(each, renamed),
      name: builder.nodeName(each.name),
      outputs: each.outputs.map((output) => renamed.get(output) ?? output),
    }),
  );
  // The If's own names stay: others read them, and the branch may hand out a value that it only took from around it.
  const results = node.outputs.flatMap((output, i): Node[] => {
    const made = branch.outputs[i]?.name ?? '';
    const inputs = [renamed.get(made) ?? made];
    return output === '' ? [] : [builder.made('Identity', inputs, output, {}, { name: `${node.name}_${i}` })];
  });
  const nodes = graph.nodes.flatMap((each) => (each === node ? [...inside, ...results] : [each]));
  const joined = { ...graph, initializers, valueInfo, nodes };
  return { ...joined, nodes: topologicalOrder(nodes, valuesGiven(joined)) };
}

/** The node, and what its subgraphs capture, reading values under their new names. */
function renameReads(node: Node, names: ReadonlyMap<string, string>): Node {
  const inputs = node.inputs.map((input) => names.get(input) ?? input);
  return mapSubgraphs({ ...node, inputs }, (inner) => {
    const own = new Set([...valuesGiven(inner), ...inner.nodes.flatMap(({ outputs }) => outputs)]);
    const outer = new Map([...names].filter(([name]) => !own.has(name)));
    return {
      ...inner,
      nodes: inner.nodes.map((each) => renameReads(each, outer)),
      outputs: inner.outputs.map((output) => ({ ...output, name: outer.get(output.name) ?? output.name })),
    };
  });
}
