import { intAttribute } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node, Shape } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { asIntegers, elementCount, int64Vector } from '../../onnx/tensor.ts';
import { withoutDeadNodes } from './eliminate-dead.ts';
import { constantOf, withGraph } from './rewrite.ts';

/** A vector of whole numbers computed from shapes: numbers, and names of dimensions that are open. */
type SymbolicVector = readonly (number | string)[];

/**
 * Replaces the target of a Reshape that is computed from shapes (`x.view(x.size(0), -1)` becomes Shape, Gather, Unsqueeze,
 * Concat) by a constant: 0, which copies the dimension of the input, stands for the batch.
 *
 * Leaves alone what cannot be said that way: two open dimensions, or one that is not at its own place.
 */
export const foldShapes = pass({
  name: 'fold-shapes',
  run(model) {
    const { graph } = model;
    if (!graph.nodes.some(({ opType }) => opType === 'Shape')) return model;
    const types = inferShapes(model);
    const known = new Map<string, SymbolicVector>();
    const builder = GraphBuilder.over(graph);
    const nodes = graph.nodes.map((node): Node => {
      const vector = evaluate(graph, node, known, (value) => types.get(value)?.shape ?? undefined);
      if (vector !== undefined) known.set(node.outputs[0] ?? '', vector);
      if (node.opType !== 'Reshape') return node;
      const [data = '', target = ''] = node.inputs;
      const wanted = known.get(target);
      const dims = wanted && asTarget(wanted, types.get(data)?.shape ?? null);
      if (dims === undefined || intAttribute(node, 'allowzero', 0) === 1) return node;
      const name = builder.constant(`${target}_constant`, int64Vector(dims));
      return { ...node, inputs: [data, name] };
    });
    return withGraph(model, withoutDeadNodes({ ...graph, nodes, initializers: builder.initializers }));
  },
});

function asTarget(wanted: SymbolicVector, shape: Shape | null): number[] | undefined {
  const dims: number[] = [];
  for (const [axis, dim] of wanted.entries()) {
    if (typeof dim === 'number') dims.push(dim);
    else if (shape?.[axis] === dim) dims.push(0);
    else if (!wanted.includes(-1) && !dims.includes(-1)) dims.push(-1);
    else return undefined;
  }
  return dims;
}

function evaluate(
  graph: Graph,
  node: Node,
  known: ReadonlyMap<string, SymbolicVector>,
  shapeOf: (value: string) => Shape | undefined,
): SymbolicVector | undefined {
  const vector = (i: number): SymbolicVector | undefined => {
    const name = node.inputs[i] ?? '';
    const constant = constantOf(graph, name);
    if (constant === undefined) return known.get(name);
    const small = (constant.dtype === 'int64' || constant.dtype === 'int32') && elementCount(constant.dims) <= 64;
    return small ? asIntegers(constant) : undefined;
  };
  switch (node.opType) {
    case 'Shape': {
      const shape = shapeOf(node.inputs[0] ?? '');
      if (shape === undefined || shape.includes(null)) return undefined;
      return (shape as SymbolicVector).slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', undefined));
    }
    case 'Gather': {
      const from = vector(0);
      const picked = vector(1)?.map((i) => (typeof i === 'number' ? from?.at(i) : undefined));
      return picked?.every((value) => value !== undefined) ? (picked as SymbolicVector) : undefined;
    }
    case 'Concat': {
      const parts = node.inputs.map((_, i) => vector(i));
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    case 'Slice': {
      const [start] = vector(1) ?? [];
      const [end] = vector(2) ?? [];
      const step = node.inputs.length > 4 ? vector(4)?.[0] : 1;
      if (typeof start !== 'number' || typeof end !== 'number' || step !== 1) return undefined;
      return vector(0)?.slice(start, end);
    }
    case 'Squeeze':
    case 'Unsqueeze':
    case 'Cast':
    case 'Identity':
      return vector(0);
    default:
      return undefined;
  }
}
