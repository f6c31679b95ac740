import { type Layer, layerOf } from '../../compression/layers.ts';
import { stringAttribute } from '../../onnx/attributes.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { asFloat32 } from '../../onnx/tensor.ts';
import { type GraphIndex, indexGraph } from '../../onnx/topology.ts';
import { constantOf } from '../passes/rewrite.ts';

/**
 * What becomes of a node in the quantized graph:
 * - `layer`: weights, convolved or multiplied between DequantizeLinear and QuantizeLinear;
 * - `absorbed`: a Relu or ReLU6 that the QuantizeLinear of the node before does by saturating;
 * - `integer`: moves or compares values without computing, and works on the uint8 values as they are;
 * - `requantized`: computes between DequantizeLinear and QuantizeLinear; a product of two activations may hand its sums on
 *   in float;
 * - `float`: stays as it was.
 */
type Role =
  | { readonly kind: 'layer'; readonly layer: Layer; readonly quantizedOutput: boolean }
  | { readonly kind: 'absorbed' }
  | { readonly kind: 'integer' }
  | { readonly kind: 'requantized'; readonly quantizedOutput: boolean }
  | { readonly kind: 'float' };

/**
 * Operators with uint8 kernels that change no value, and so need no scale of their own. Run on the uint8 values directly,
 * rather than between Q/DQ pairs, they need no fusion to be fast: Slice and Pad (the shortcuts of the CIFAR ResNets) have none.
 */
const MOVING = new Set([
  'MaxPool',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Slice',
  'Split',
  'Gather',
  'Pad',
  'Concat',
  'Relu',
  'Identity',
  'DepthToSpace',
  'SpaceToDepth',
]);

/** Operators that ONNX Runtime fuses with the Q/DQ pairs around them (facts: measured with 1.30). */
const COMPUTING = new Set(['Add', 'Mul', 'AveragePool', 'GlobalAveragePool', 'Sigmoid', 'LeakyRelu']);

export interface Roles {
  of(node: Node): Role;
  /** Where the values of an absorbed activation are made: the layer's output becomes the activation's. */
  outputAfterAbsorption(node: Node): string;
  /** The upper bound a ReLU6 sets on what it was absorbed into. */
  ceilingOf(value: string): number | undefined;
}

/**
 * Decides for every node. Backwards, because a value is worth quantizing only where a layer further on will read it.
 *
 * @param kept names of layers that stay in float, whatever could be done; so do the activations right after them, SiLU included
 */
export function assignRoles(graph: Graph, kept: ReadonlySet<string> = new Set()): Roles {
  const index = indexGraph(graph);
  const roles = new Map<Node, Role>();
  const wanted = new Set<string>();
  const renamed = new Map<Node, string>();
  const ceilings = new Map<string, number>();
  for (const node of graph.nodes.toReversed()) {
    const role: Role = staysFloat(index, kept, graph, node) ? { kind: 'float' } : roleOf(graph, node, wanted);
    roles.set(node, role);
    for (const input of quantizedInputs(node, role)) wanted.add(input);
    const passes =
      role.kind !== 'float' &&
      activationBound(graph, node) !== undefined &&
      node.outputs.some((output) => wanted.has(output));
    if (passes) wanted.add(node.inputs[0] ?? '');
  }
  for (const node of graph.nodes) {
    const bound = activationBound(graph, node);
    const producer = index.producer(node.inputs[0] ?? '');
    if (bound === undefined || producer === undefined || !absorbs(index, roles.get(producer), producer)) continue;
    const [output = ''] = node.outputs;
    roles.set(node, { kind: 'absorbed' });
    renamed.set(producer, output);
    if (Number.isFinite(bound)) ceilings.set(output, bound);
  }
  return {
    of: (node) => roles.get(node) ?? { kind: 'float' },
    outputAfterAbsorption: (node) => renamed.get(node) ?? node.outputs[0] ?? '',
    ceilingOf: (value) => ceilings.get(value),
  };
}

/**
 * The activation after a float layer would be quantized before it cuts the half of the values off: a bit of precision for nothing.
 * Both nodes of a SiLU, x * sigmoid(x), stay: ONNX Runtime makes one vectorized operator of them in float, two in int8.
 */
function staysFloat(index: GraphIndex, kept: ReadonlySet<string>, graph: Graph, node: Node): boolean {
  const isKept = (value: string | undefined): boolean => kept.has(index.producer(value ?? '')?.name ?? '');
  if (kept.has(node.name)) return true;
  if (node.domain !== '') return false;
  if (node.opType === 'Mul') {
    const [a = '', b = ''] = node.inputs;
    const gates = (gate: string, value: string): boolean => {
      const sigmoid = index.producer(gate);
      return sigmoid?.opType === 'Sigmoid' && sigmoid.inputs[0] === value && isKept(value);
    };
    return gates(a, b) || gates(b, a);
  }
  const activates =
    node.opType === 'Sigmoid' || node.opType === 'LeakyRelu' || activationBound(graph, node) !== undefined;
  const producer = index.producer(node.inputs[0] ?? '');
  return activates && producer !== undefined && staysFloat(index, kept, graph, producer); // and one after another: their values have no range
}

function roleOf(graph: Graph, node: Node, wanted: ReadonlySet<string>): Role {
  const layer = layerOf(graph, node);
  const outputWanted = node.outputs.some((output) => wanted.has(output));
  // A convolution has an int8 kernel only with an int8 output; a matrix product may hand its sums on in float, so that
  // the scores of a classifier keep their precision.
  if (layer !== undefined) return { kind: 'layer', layer, quantizedOutput: outputWanted || node.opType === 'Conv' };
  if (isProduct(graph, node)) return { kind: 'requantized', quantizedOutput: outputWanted };
  if (node.domain !== '' || !outputWanted) return { kind: 'float' };
  if (MOVING.has(node.opType) && isMoving(graph, node)) return { kind: 'integer' };
  const constants = node.inputs.some((input) => graph.initializers.has(input));
  return COMPUTING.has(node.opType) && !constants ? { kind: 'requantized', quantizedOutput: true } : { kind: 'float' };
}

/** The matrix product of two activations, as in attention. */
export const isProduct = (graph: Graph, { domain, opType, inputs }: Node): boolean =>
  domain === '' && opType === 'MatMul' && !inputs.some((input) => graph.initializers.has(input));

function isMoving(graph: Graph, node: Node): boolean {
  if (graph.initializers.has(node.inputs[0] ?? '')) return false;
  if (node.opType === 'MaxPool') return (node.outputs[1] ?? '') === '';
  if (node.opType === 'Concat') return node.inputs.every((input) => !graph.initializers.has(input));
  if (node.opType !== 'Pad' || stringAttribute(node, 'mode', 'constant') !== 'constant') return true;
  const name = node.inputs[2] ?? '';
  const value = constantOf(graph, name);
  return name === '' || (value?.dtype === 'float32' && asFloat32(value)[0] === 0);
}

function quantizedInputs(node: Node, role: Role): readonly string[] {
  if (role.kind === 'layer') return node.inputs.slice(0, 1);
  if (role.kind === 'requantized') return node.inputs;
  if (role.kind === 'integer') return node.opType === 'Concat' ? node.inputs : node.inputs.slice(0, 1);
  return [];
}

/** What an activation bounds its values by from above, when it also cuts them off at 0: infinity for Relu, 6 for ReLU6. */
function activationBound(graph: Graph, node: Node): number | undefined {
  if (node.domain !== '') return undefined;
  if (node.opType === 'Relu') return Number.POSITIVE_INFINITY;
  if (node.opType !== 'Clip') return undefined;
  const [low, high] = [constantOf(graph, node.inputs[1]), constantOf(graph, node.inputs[2])];
  if (low?.dtype !== 'float32' || asFloat32(low)[0] !== 0) return undefined;
  if ((node.inputs[2] ?? '') === '') return Number.POSITIVE_INFINITY;
  return high?.dtype === 'float32' ? asFloat32(high)[0] : undefined;
}

function absorbs(index: GraphIndex, role: Role | undefined, producer: Node): boolean {
  const [output = ''] = producer.outputs;
  const quantized = (role?.kind === 'requantized' || role?.kind === 'layer') && role.quantizedOutput;
  return quantized && index.consumers(output).length === 1 && !index.isOutput(output);
}
