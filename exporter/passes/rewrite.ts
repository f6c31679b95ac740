import type { Graph, Model, Node } from '../../onnx/graph.ts';
import type { Tensor } from '../../onnx/tensor.ts';
import { valuesRead } from '../../onnx/topology.ts';

/** The model with parts of its graph replaced. */
export const withGraph = (model: Model, parts: Partial<Graph>): Model => ({
  ...model,
  graph: { ...model.graph, ...parts },
});

/** The node reading `to` wherever it read `from`. Subgraphs are left alone: see `readsInside`. */
export function rewired(node: Node, names: ReadonlyMap<string, string>): Node {
  if (!node.inputs.some((input) => names.has(input))) return node;
  return { ...node, inputs: node.inputs.map((input) => names.get(input) ?? input) };
}

/** Values that subgraphs of If, Loop or Scan take from around them: their names must stay. */
export function readsInside(graph: Graph): ReadonlySet<string> {
  const read = new Set<string>();
  for (const node of graph.nodes) {
    for (const value of valuesRead(node)) if (!node.inputs.includes(value)) read.add(value);
  }
  return read;
}

/** The constant behind a value, when it is one. */
export const constantOf = (graph: Graph, value: string | undefined): Tensor | undefined =>
  value === undefined || value === '' ? undefined : graph.initializers.get(value);

/** Adds a constant under the name wanted, or that name with a number when it is taken by anything in the graph. */
export function addConstant(
  initializers: Map<string, Tensor>,
  taken: Set<string>,
  wanted: string,
  tensor: Tensor,
): string {
  let name = wanted;
  for (let n = 1; taken.has(name); n++) name = `${wanted}_${n}`;
  taken.add(name);
  initializers.set(name, tensor);
  return name;
}

/** Every name of a value in the graph. */
export function valueNames(graph: Graph): Set<string> {
  const names = new Set<string>([...graph.initializers.keys(), ...graph.inputs.map(({ name }) => name)]);
  for (const node of graph.nodes) for (const output of node.outputs) names.add(output);
  return names;
}
