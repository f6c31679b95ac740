import type { Graph, Node } from '../../onnx/graph.ts';
import { indexGraph } from '../../onnx/topology.ts';
import type { Range } from './range.ts';
import type { Roles } from './roles.ts';

/** A value that a quantized Sigmoid reads, and nothing else that would notice how far it goes. */
export interface SigmoidInput {
  readonly value: string;
  /** What the Sigmoid gives. */
  readonly sigmoid: string;
  /** x * sigmoid(x), as in SiLU, reads it too: large values still matter then. */
  readonly multiplied: boolean;
}

/**
 * The inputs of quantized Sigmoids whose range can be cut without changing a single code of what is computed from them.
 *
 * SiLU networks need it: a convolution may give -120 where a few values do, all of which become 0, and spend on them the
 * codes of those between -6 and 10 that decide everything.
 */
export function sigmoidInputs(graph: Graph, roles: Roles): readonly SigmoidInput[] {
  const index = indexGraph(graph);
  const isQuantized = (node: Node): boolean => roles.of(node).kind === 'requantized';
  return graph.nodes.flatMap((node) => {
    const [value = ''] = node.inputs;
    const [sigmoid = ''] = node.outputs;
    if (node.opType !== 'Sigmoid' || !isQuantized(node) || index.isOutput(value)) return [];
    const others = index.consumers(value).filter((reader) => reader !== node);
    const products = others.filter(
      (reader) => reader.opType === 'Mul' && isQuantized(reader) && reader.inputs.includes(sigmoid),
    );
    return products.length < others.length ? [] : [{ value, sigmoid, multiplied: products.length > 0 }];
  });
}

/**
 * The range of x outside of which sigmoid(x) has the first or the last of its codes: sigmoid(x) < s / 2 gives 0, and so does x times
 * it; sigmoid(x) > top - s / 2 gives 255. With codes from 0 to 1 that is +-ln(509) = +-6.23.
 *
 * @param top largest value of the Sigmoid's range
 */
export function sigmoidBounds(top: number, multiplied: boolean): Range {
  const half = Math.min(top, 1) / 510;
  const upper = multiplied ? Number.POSITIVE_INFINITY : logit(Math.min(top, 1) - half);
  return { min: logit(half), max: upper };
}

const logit = (share: number): number => (share <= 0 ? Number.NEGATIVE_INFINITY : Math.log(share / (1 - share)));
