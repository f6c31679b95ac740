import { graph as graphOf } from '../../onnx/attributes.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import type { Tensor } from '../../onnx/tensor.ts';
import { valuesCapturedBy } from '../../onnx/topology.ts';

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

/** The node with each of its subgraphs replaced. */
export function mapSubgraphs(node: Node, replace: (inner: Graph) => Graph): Node {
  const attributes = Object.entries(node.attributes);
  if (!attributes.some(([, { type }]) => type === 'graph')) return node;
  return {
    ...node,
    attributes: Object.fromEntries(
      attributes.map(([name, attribute]) => [
        name,
        attribute.type === 'graph' ? graphOf(replace(attribute.value)) : attribute,
      ]),
    ),
  };
}

/** Values that subgraphs of If, Loop or Scan take from around them: their names must stay. */
export function readsInside(graph: Graph): ReadonlySet<string> {
  return new Set(graph.nodes.flatMap((node) => [...valuesCapturedBy(node)]));
}

/** The constant behind a value, when it is one. */
export const constantOf = (graph: Graph, value: string | undefined): Tensor | undefined =>
  value === undefined || value === '' ? undefined : graph.initializers.get(value);
