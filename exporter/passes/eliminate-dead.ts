import type { Graph } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { valuesRead } from '../../onnx/topology.ts';
import { withGraph } from './rewrite.ts';

/** Removes nodes and constants that no output of the graph depends on. Graph inputs stay: callers feed them by name. */
export const eliminateDead = pass({
  name: 'eliminate-dead',
  run: (model) => withGraph(model, withoutDeadNodes(model.graph)),
});

export function withoutDeadNodes(graph: Graph): Pick<Graph, 'nodes' | 'initializers' | 'valueInfo'> {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const living = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((output) => needed.has(output))) return false;
      for (const value of valuesRead(node)) needed.add(value);
      return true;
    })
    .reverse();
  const made = new Set(living.flatMap((node) => node.outputs));
  return {
    nodes: living,
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
    valueInfo: new Map([...graph.valueInfo].filter(([name]) => made.has(name))),
  };
}
