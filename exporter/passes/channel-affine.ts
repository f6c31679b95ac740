import { floatAttribute, intAttribute } from '../../onnx/attributes.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { asFloat32, elementCount, type Tensor } from '../../onnx/tensor.ts';
import { constantOf } from './rewrite.ts';

/** y = factor * x + offset, per channel: what a BatchNormalization is at inference. */
export interface ChannelAffine {
  readonly factor: Float64Array;
  readonly offset: Float64Array;
}

/** A value `[N, channels, ...]` of this rank. */
interface Channels {
  readonly channels: number;
  readonly rank: number;
}

const ARITHMETIC = new Set(['Add', 'Sub', 'Mul', 'Div']);

/** The value that a node may scale and shift per channel; undefined for any other node. */
export function affineInput(graph: Graph, node: Node): string | undefined {
  if (node.domain !== '') return undefined;
  const [first = '', second = ''] = node.inputs;
  if (node.opType === 'BatchNormalization') return first;
  if (!ARITHMETIC.has(node.opType) || graph.initializers.has(first) === graph.initializers.has(second))
    return undefined;
  return graph.initializers.has(first) ? second : first;
}

/**
 * What a BatchNormalization, or a Mul, Add, Sub or Div with a constant, does to each channel of its input.
 *
 * @returns undefined when a parameter is no float32 constant, differs within a channel or changes the shape, for a constant
 *   divided by the value, and in training mode
 */
export function channelAffine(graph: Graph, node: Node, value: Channels): ChannelAffine | undefined {
  return node.opType === 'BatchNormalization'
    ? normalization(graph, node, value.channels)
    : arithmetic(graph, node, value);
}

function normalization(graph: Graph, node: Node, channels: number): ChannelAffine | undefined {
  const [scale, bias, mean, variance] = node.inputs.slice(1).map((name) => constantOf(graph, name));
  if (!scale || !bias || !mean || !variance || intAttribute(node, 'training_mode', 0) !== 0) return undefined;
  if ([scale, bias, mean, variance].some(({ dtype, dims }) => dtype !== 'float32' || elementCount(dims) !== channels))
    return undefined;
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const [g, beta, mu, v] = [asFloat32(scale), asFloat32(bias), asFloat32(mean), asFloat32(variance)];
  const factor = Float64Array.from(g, (each, c) => each / Math.sqrt(v[c]! + epsilon));
  return { factor, offset: factor.map((f, c) => beta[c]! - mu[c]! * f) };
}

function arithmetic(graph: Graph, node: Node, value: Channels): ChannelAffine | undefined {
  const [first, second] = node.inputs.map((name) => constantOf(graph, name));
  const constant = perChannel(first ?? second, value);
  if (constant === undefined) return undefined;
  const same = (fill: number): Float64Array => new Float64Array(value.channels).fill(fill);
  switch (node.opType) {
    case 'Mul':
      return { factor: constant, offset: same(0) };
    case 'Div':
      return first === undefined ? { factor: constant.map((each) => 1 / each), offset: same(0) } : undefined;
    case 'Add':
      return { factor: same(1), offset: constant };
    case 'Sub':
      return first === undefined
        ? { factor: same(1), offset: constant.map((each) => -each) }
        : { factor: same(-1), offset: constant };
    default:
      return undefined;
  }
}

/** One number a channel: of a scalar, `[C, 1, 1]` or `[1, C, 1, 1]` beside an image, `[C]` or `[1, C]` beside a vector. */
function perChannel(constant: Tensor | undefined, { channels, rank }: Channels): Float64Array | undefined {
  if (constant?.dtype !== 'float32' || constant.dims.length > rank) return undefined;
  const values = asFloat32(constant);
  if (values.length === 1) return new Float64Array(channels).fill(values[0]!);
  const channelAxis = constant.dims.length - rank + 1;
  return values.length === channels && constant.dims[channelAxis] === channels ? Float64Array.from(values) : undefined;
}
