import { graphAttribute } from '../attributes.ts';
import type { Graph, Node, Shape, ValueType } from '../graph.ts';
import type { Inferred, Knowledge, NodeFacts } from './node-facts.ts';

/** What is known of values at the end of a subgraph. */
type Inside = (graph: Graph) => Knowledge;

/** What If and Loop give, by what their subgraphs give; nothing for other operators. A subgraph need not declare it. */
export function subgraphTypes(node: Node, facts: NodeFacts, inside: Inside): Inferred {
  if (node.domain !== '') return [];
  if (node.opType === 'If') return ifTypes(node, inside);
  return node.opType === 'Loop' ? loopTypes(node, facts, inside) : [];
}

function outputsOf(graph: Graph, inside: Inside): Inferred {
  const { types } = inside(graph);
  return graph.outputs.map(({ name }) => types.get(name));
}

function ifTypes(node: Node, inside: Inside): Inferred {
  const [taken, other] = ['then_branch', 'else_branch'].map((name) => {
    const branch = graphAttribute(node, name);
    return branch === undefined ? [] : outputsOf(branch, inside);
  });
  return node.outputs.map((_, i) => either(taken?.[i], other?.[i]));
}

/** What holds whichever branch was taken. */
function either(a: ValueType | undefined, b: ValueType | undefined): ValueType | undefined {
  if (a === undefined || b === undefined || a.dtype !== b.dtype) return undefined;
  return { dtype: a.dtype, shape: commonShape(a.shape, b.shape) };
}

function commonShape(a: Shape | null, b: Shape | null): Shape | null {
  if (a === null || b === null || a.length !== b.length) return null;
  return a.map((dimension, i) => (dimension === b[i] ? dimension : null));
}

/** The body takes iteration, condition and what is carried, and gives condition, what is carried, and one slice of each scan output. */
function loopTypes(node: Node, facts: NodeFacts, inside: Inside): Inferred {
  const body = graphAttribute(node, 'body');
  if (body === undefined) return [];
  const carried = Math.max(body.inputs.length - 2, 0);
  // Shapes may change from one turn to the next: only types are certain.
  const inputs = body.inputs.map((input, i) => {
    const dtype = i < 2 ? input.dtype : (facts.dtype(i) ?? input.dtype);
    return { ...input, dtype, shape: i < 2 ? [] : null };
  });
  const outputs = body.outputs.map((output) => ({ ...output, shape: null }));
  const [, ...given] = outputsOf({ ...body, inputs, outputs }, inside);
  return given.map((type, i) => {
    if (type === undefined) return undefined;
    if (i < carried) return { dtype: type.dtype, shape: null };
    return { dtype: type.dtype, shape: type.shape === null ? null : [null, ...type.shape] };
  });
}
