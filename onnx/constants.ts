import { tensorAttribute } from './attributes.ts';
import type { Graph, Node } from './graph.ts';
import { float32Tensor, int64Tensor, type Tensor } from './tensor.ts';

/** The value of a Constant node; undefined for another operator, for strings and for sparse tensors. */
export function constantValue(node: Node): Tensor | undefined {
  if (node.domain !== '' || node.opType !== 'Constant') return undefined;
  const { value_float: float, value_floats: floats, value_int: int, value_ints: ints } = node.attributes;
  if (float?.type === 'float') return float32Tensor([], Float32Array.of(float.value));
  if (floats?.type === 'floats') return float32Tensor([floats.value.length], Float32Array.from(floats.value));
  if (int?.type === 'int') return int64Tensor([], [int.value]);
  if (ints?.type === 'ints') return int64Tensor([ints.value.length], ints.value);
  return tensorAttribute(node, 'value');
}

/** The graph with its Constant nodes as initializers. Subgraphs keep theirs. */
export function withConstantsStored<G extends Graph>(graph: G): G {
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter((node) => {
    const value = constantValue(node);
    if (value !== undefined) initializers.set(node.outputs[0] ?? '', value);
    return value === undefined;
  });
  return nodes.length === graph.nodes.length ? graph : { ...graph, nodes, initializers };
}
