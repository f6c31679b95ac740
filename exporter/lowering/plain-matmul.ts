import { ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { asFloat32, elementCount, float32Tensor, type Tensor } from '../../onnx/tensor.ts';
import { withoutDeadNodes } from '../passes/eliminate-dead.ts';
import { constantOf, withGraph } from '../passes/rewrite.ts';

/**
 * Writes products with constant weights in the form that has int8 weights a channel, activations `[..., columns]` times weights `[columns, rows]`:
 * W X = (X' W')' where the weights come first, as in mixing tokens; weights `[1, columns, rows]` lose their 1.
 *
 * Leaves alone: a matrix that weights come before, whose columns may be the images of a batch.
 */
export const plainMatmul = pass({
  name: 'plain-matmul',
  run(model) {
    const { graph } = model;
    if (!graph.nodes.some(({ opType }) => opType === 'MatMul')) return model;
    const types = inferShapes(model);
    const builder = GraphBuilder.over(graph);
    const rankOf = (value: string | undefined): number => types.get(value ?? '')?.shape?.length ?? 0;
    const nodes = graph.nodes.flatMap((node) => plain(node, graph, rankOf, builder));
    return withGraph(model, withoutDeadNodes({ ...graph, nodes, initializers: builder.initializers }));
  },
});

function plain(
  node: Node,
  graph: Graph,
  rankOf: (value: string | undefined) => number,
  builder: GraphBuilder,
): readonly Node[] {
  const [a = '', b = ''] = node.inputs;
  const [output = ''] = node.outputs;
  const [first, second] = [constantOf(graph, a), constantOf(graph, b)];
  if (node.opType !== 'MatMul' || node.domain !== '' || (first !== undefined && second !== undefined)) return [node];
  if (second !== undefined && second.dims.length > 2) {
    const weights = withoutOnes(second);
    if (weights === undefined || rankOf(a) < second.dims.length) return [node];
    return [{ ...node, inputs: [a, builder.constant(`${b}_matrix`, weights)] }];
  }
  const rank = rankOf(b);
  const weights = first && withoutOnes(first);
  if (weights?.dtype !== 'float32' || rank < 3 || rank < (first?.dims.length ?? 0)) return [node];
  const perm = { perm: ints([...Array(rank - 2).keys(), rank - 1, rank - 2]) };
  const [turned, product] = [builder.value(`${b}_turned`), builder.value(`${output}_turned`)];
  const inputs = [turned, builder.constant(`${a}_turned`, transposed(weights))];
  return [
    builder.made('Transpose', [b], turned, perm),
    { ...node, inputs, outputs: [product] },
    builder.made('Transpose', [product], output, perm),
  ];
}

/** As a matrix, where that is all it is. */
function withoutOnes(tensor: Tensor): Tensor | undefined {
  const dims = tensor.dims.slice(-2);
  return tensor.dims.length >= 2 && elementCount(dims) === elementCount(tensor.dims) ? { ...tensor, dims } : undefined;
}

function transposed(tensor: Tensor): Tensor {
  const [rows = 0, columns = 0] = tensor.dims;
  const values = asFloat32(tensor);
  const turned = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) turned[c * rows + r] = values[r * columns + c]!;
  return float32Tensor([columns, rows], turned);
}
