import type { Graph, Model, Node, Shape, ValueType } from './graph.ts';
import { type InferOptions, inferShapes } from './shapes.ts';
import { elementCount } from './tensor.ts';

export type Types = ReadonlyMap<string, ValueType>;

/** A shape whose first dimension may be open (the batch, counted as 1) and no other; undefined where more is unknown. */
function sizes(types: Types, value: string | undefined): readonly number[] | undefined {
  const shape = value === undefined ? undefined : types.get(value)?.shape;
  const known = shape?.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : Number.NaN));
  return known?.some(Number.isNaN) ? undefined : known;
}

/**
 * Multiply-accumulate operations of one node for one image: an output element of a convolution takes one for each
 * weight of its filter, C/groups * kh * kw. Undefined where a shape is unknown; 0 for operators without products.
 */
export function macsOfNode(node: Node, types: Types): number | undefined {
  const first = sizes(types, node.inputs[0]);
  // Quantized ones take scale and zero point after each operand.
  const second = sizes(types, node.inputs[/^Q(Linear|Gemm)/.test(node.opType) ? 3 : 1]);
  const output = sizes(types, node.outputs[0]);
  switch (node.opType) {
    case 'Conv':
    case 'FusedConv':
    case 'ConvInteger':
    case 'QLinearConv':
      return output && second && elementCount(output) * elementCount(second.slice(1));
    case 'ConvTranspose':
      return first && second && elementCount(first) * elementCount(second.slice(1));
    case 'Gemm':
    case 'FusedGemm':
    case 'QGemm':
      return output && second && (elementCount(output) * elementCount(second)) / (output.at(-1) ?? 1);
    case 'MatMul':
    case 'FusedMatMul':
    case 'MatMulInteger':
    case 'QLinearMatMul':
    case 'MatMulIntegerToFloat':
    case 'DynamicQuantizeMatMul':
      return output && first && elementCount(output) * (first.at(-1) ?? 1);
    default:
      return 0;
  }
}

/** Images one run takes: 1 where the batch is open. */
export function batchOf({ inputs, initializers }: Graph, types: Types): number {
  const image = inputs.find(({ name }) => !initializers.has(name));
  const shape = types.get(image?.name ?? '')?.shape;
  const batch = shape?.length === 4 ? shape[0] : undefined;
  return typeof batch === 'number' && batch > 0 ? batch : 1;
}

/** The first node whose operations cannot be counted, since a shape is unknown. */
export const uncountedNode = ({ nodes }: Graph, types: Types): Node | undefined =>
  nodes.find((node) => macsOfNode(node, types) === undefined);

/**
 * Multiply-accumulate operations of a graph for one image; undefined when one node's are unknown: unknown is not 0. FLOPs are
 * twice that.
 */
export function macsOf(graph: Graph, types: Types): number | undefined {
  let total = 0;
  for (const node of graph.nodes) {
    const macs = macsOfNode(node, types);
    if (macs === undefined) return undefined;
    total += macs;
  }
  return total / batchOf(graph, types);
}

/**
 * Types of a run over one image, or over the batch that the file fixes. Numbers instead of symbols: behind a Reshape the first
 * dimension may be the batch times the tokens, which counted as 1 would hide most of a transformer's operations.
 *
 * @param size `[H, W]` where the input leaves it open
 * @throws {WaysideError} SHAPE_INFERENCE unless contradictions are listened to
 */
export const typesOfOneImage = (model: Model, size?: readonly [number, number], options: Listening = {}): Types =>
  typesAtBatch(model, 1, size, options);

type Listening = Pick<InferOptions, 'onContradiction'>;

/**
 * Types of a run over so many images, or over the batch that the file fixes.
 *
 * @throws {WaysideError} SHAPE_INFERENCE unless contradictions are listened to
 */
export function typesAtBatch(
  model: Model,
  batch: number,
  size?: readonly [number, number],
  { onContradiction }: Listening = {},
): Types {
  let contradicts = false;
  const told = onContradiction && {
    onContradiction(text: string) {
      contradicts = true;
      onContradiction(text);
    },
  };
  const declared = inferShapes(model, told);
  const image = model.graph.inputs.find(({ name }) => !model.graph.initializers.has(name));
  const open = image?.shape;
  if (image === undefined || !open || open.every((dim) => typeof dim === 'number')) return declared;
  const shape = open.map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    return axis === 0 ? batch : (size?.[axis - 2] ?? dim);
  });
  // What contradicts itself in the file is told once, not again with numbers.
  const again = contradicts ? { onContradiction: () => {} } : told;
  const found = new Map(inferShapes(model, { ...again, inputs: { [image.name]: shape } }));
  // Inferred anew, what the file says of values behind operators without a rule is left out.
  for (const [value, type] of declared) if (!isClosed(found.get(value)?.shape)) found.set(value, type);
  return found;
}

const isClosed = (shape: Shape | null | undefined): boolean => shape?.every((dim) => typeof dim === 'number') === true;
