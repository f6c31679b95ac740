import type { Graph, Node, ValueType } from './graph.ts';
import { elementCount } from './tensor.ts';

export type Types = ReadonlyMap<string, ValueType>;

/** A shape whose first dimension may be open (the batch, counted as 1) and no other; undefined where more is unknown. */
function sizes(types: Types, value: string | undefined): readonly number[] | undefined {
  const shape = value === undefined ? undefined : types.get(value)?.shape;
  const known = shape?.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : Number.NaN));
  return known?.some(Number.isNaN) ? undefined : known;
}

/**
 * Multiply-accumulate operations of one node for one picture: an output element of a convolution takes one for each
 * weight of its filter, C/groups * kh * kw. Undefined where a shape is unknown; 0 for operators without products.
 */
export function macsOfNode(node: Node, types: Types): number | undefined {
  const first = sizes(types, node.inputs[0]);
  const second = sizes(types, node.inputs[1]);
  const output = sizes(types, node.outputs[0]);
  switch (node.opType) {
    case 'Conv':
      return output && second && elementCount(output) * elementCount(second.slice(1));
    case 'ConvTranspose':
      return first && second && elementCount(first) * elementCount(second.slice(1));
    case 'Gemm':
      return output && second && (elementCount(output) * elementCount(second)) / (output.at(-1) ?? 1);
    case 'MatMul':
      return output && first && elementCount(output) * (first.at(-1) ?? 1);
    default:
      return 0;
  }
}

/** Multiply-accumulate operations of a graph for one picture; undefined when one node's are unknown. FLOPs are twice that. */
export function macsOf(graph: Graph, types: Types): number | undefined {
  let total = 0;
  for (const node of graph.nodes) {
    const macs = macsOfNode(node, types);
    if (macs === undefined) return undefined;
    total += macs;
  }
  return total;
}
