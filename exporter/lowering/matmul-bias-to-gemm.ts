import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node, Shape } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { asFloat32, elementCount, float32Tensor, int64Vector, type Tensor } from '../../onnx/tensor.ts';
import { type GraphIndex, indexGraph } from '../../onnx/topology.ts';
import { withoutDeadNodes } from '../passes/eliminate-dead.ts';
import { constantOf, withGraph } from '../passes/rewrite.ts';
import { activationsAfter, behindActivations } from './activations.ts';

/** A product and the sum that alone reads it. */
interface Summed {
  readonly matmul: Node;
  readonly add: Node;
  /** The other summand. */
  readonly other: string;
  readonly shape: Shape | undefined;
  /** `[columns, rows]`; undefined for a product of two activations. */
  readonly weights: Tensor | undefined;
}

/**
 * Writes MatMul + Add so that ONNX Runtime keeps its int8 kernel.
 *
 * When it loads a model it makes a float Gemm of the two (MatMulAddFusion, 1.30) wherever it knows their shapes: of vectors with any
 * summand, of tokens `[N, T, C]` of a fixed batch with one value a column. As that comes before its int8 kernels are chosen, the bias of that
 * Gemm is not the int32 one they want. So one value a column becomes the bias of a Gemm over the rows, `[N * T, C]`, for tokens between
 * two Reshapes, which on bytes cost nothing: bias and products are added up as integers. Other summands of vectors stay where
 * they are, behind a Gemm without a bias.
 *
 * Where shapes are not known here, ONNX Runtime may know them still: x + b is written as x - (-b), the same to the last bit, and
 * sums of two activations keep apart by a Max of one value.
 */
export const matmulBiasToGemm = pass({
  name: 'matmul-bias-to-gemm',
  run(model) {
    const { graph } = model;
    if (!graph.nodes.some(({ opType }) => opType === 'MatMul')) return model;
    const types = inferShapes(model);
    const index = indexGraph(graph);
    const builder = GraphBuilder.over(graph);
    const replaced = new Map<Node, readonly Node[]>();
    for (const matmul of graph.nodes) {
      const summed = summedOf(graph, index, matmul, types.get(matmul.inputs[0] ?? '')?.shape ?? undefined);
      if (summed !== undefined) rewrite(summed, graph, index, builder, replaced);
    }
    if (replaced.size === 0) return model;
    const nodes = graph.nodes.flatMap((node) => replaced.get(node) ?? [node]);
    return withGraph(model, withoutDeadNodes({ ...graph, nodes, initializers: builder.initializers }));
  },
});

function summedOf(graph: Graph, index: GraphIndex, matmul: Node, shape: Shape | undefined): Summed | undefined {
  if (matmul.opType !== 'MatMul' || matmul.domain !== '') return undefined;
  const [x = '', w = ''] = matmul.inputs;
  const [product = ''] = matmul.outputs;
  const weights = constantOf(graph, w);
  if (graph.initializers.has(x) || (weights !== undefined && weights.dims.length !== 2)) return undefined;
  const [add, ...others] = index.consumers(product);
  if (add?.opType !== 'Add' || add.domain !== '' || others.length > 0 || index.isOutput(product)) return undefined;
  const [a = '', b = ''] = add.inputs;
  return a === b ? undefined : { matmul, add, other: a === product ? b : a, shape, weights };
}

function rewrite(
  summed: Summed,
  graph: Graph,
  index: GraphIndex,
  builder: GraphBuilder,
  replaced: Map<Node, readonly Node[]>,
): void {
  const { matmul, add, other, shape, weights } = summed;
  const constant = constantOf(graph, other);
  const bias = weights && shape && biasRow(constant, weights, shape.length);
  const rows = shape && targetOf(shape, weights);
  if (weights !== undefined && bias !== undefined && rows !== undefined) {
    const activations = activationsAfter(index, add.outputs[0] ?? '');
    for (const node of [add, ...activations]) replaced.set(node, []);
    replaced.set(matmul, gemmOverRows({ ...summed, weights }, bias, rows, activations, builder));
  } else if (weights !== undefined && shape?.length === 2) {
    replaced.set(matmul, [{ ...matmul, opType: 'Gemm', attributes: {} }]);
  } else if (shape === undefined || shape.length === 2 || (shape.includes(null) && isRow(constant))) {
    replaced.set(add, apart(summed, constant, builder));
  }
}

function gemmOverRows(
  { matmul, add, weights, shape }: Summed & { readonly weights: Tensor },
  bias: Tensor,
  target: readonly number[],
  activations: readonly Node[],
  builder: GraphBuilder,
): readonly Node[] {
  const [x = '', w = ''] = matmul.inputs;
  const [sum = ''] = add.outputs;
  const bare = builder.constant(`${w}_bias`, bias);
  const gemm = (input: string, output: string): Node => ({
    ...matmul,
    opType: 'Gemm',
    inputs: [input, w, bare],
    outputs: [output],
    attributes: {},
  });
  if (shape?.length === 2) return [gemm(x, sum), ...activations];
  const input = builder.value(`${x}_rows`);
  const made = builder.made('Reshape', [x, builder.constant('rows', int64Vector([-1, weights.dims[0] ?? 0]))], input);
  const behind = behindActivations(activations, sum, (wanted) => builder.value(wanted), {
    made: (output) => gemm(input, output),
    restore: (from, to) => builder.made('Reshape', [from, builder.constant('tokens', int64Vector(target))], to),
  });
  return [made, ...behind];
}

/** The shape of the product as a Reshape takes it; undefined where more than one dimension is open. */
function targetOf(shape: Shape, weights: Tensor | undefined): readonly number[] | undefined {
  const dims = [...shape.slice(0, -1), weights?.dims[1] ?? null];
  if (dims.includes(0) || dims.filter((dim) => typeof dim !== 'number').length > 1) return undefined;
  return dims.map((dim) => (typeof dim === 'number' ? dim : -1));
}

const isRow = (constant: Tensor | undefined): boolean => constant === undefined || constant.dims.length === 1;

/** One value a column, `[columns]`; undefined for any other summand. */
function biasRow(bias: Tensor | undefined, weights: Tensor, rank: number): Tensor | undefined {
  const columns = weights.dims[1] ?? 0;
  if (bias?.dtype !== 'float32' || weights.dtype !== 'float32' || bias.dims.length > rank) return undefined;
  const count = elementCount(bias.dims);
  if (count !== 1 && (count !== columns || bias.dims.at(-1) !== columns)) return undefined;
  const values = asFloat32(bias);
  return float32Tensor([columns], count === columns ? values : new Float32Array(columns).fill(values[0]!));
}

function apart({ matmul, add, other }: Summed, constant: Tensor | undefined, builder: GraphBuilder): readonly Node[] {
  const [product = ''] = matmul.outputs;
  if (constant?.dtype === 'float32') {
    const negated = float32Tensor(
      constant.dims,
      asFloat32(constant).map((value) => -value),
    );
    const inputs = [product, builder.constant(`${other}_negated`, negated)];
    return [{ ...add, opType: 'Sub', inputs }];
  }
  const alone = builder.value(`${product}_apart`);
  const inputs = add.inputs.map((input) => (input === product ? alone : input));
  return [builder.made('Max', [product], alone), { ...add, inputs }];
}
