import { constantValue } from './constants.ts';
import type { Graph, Node } from './graph.ts';
import { asFloat32, type Tensor } from './tensor.ts';
import { allGraphs } from './topology.ts';

/** A constant that holds no number where one is computed with. */
interface NonFinite {
  readonly tensor: string;
  /** The node that reads it. */
  readonly node: string;
  readonly opType: string;
  /** NaN or an infinity. */
  readonly value: number;
}

/** Operators that multiply and add what they read: an infinity ends as NaN or drowns everything. */
const WEIGHING = new Set([
  'Conv',
  'ConvTranspose',
  'Gemm',
  'MatMul',
  'Einsum',
  'BatchNormalization',
  'InstanceNormalization',
  'LayerNormalization',
  'GroupNormalization',
  'PRelu',
  'LSTM',
  'GRU',
  'RNN',
]);

/**
 * The first float32 constant that is no number: NaN wherever it is read, an infinity as a weight. Elsewhere infinities have a
 * meaning: the mask of an attention adds minus infinity, and a Clip without bound has one at infinity.
 */
export function nonFiniteWeight(graph: Graph): NonFinite | undefined {
  const constants = new Map<string, Tensor>();
  const checked = new Map<string, number | undefined>();
  for (const { initializers, nodes } of allGraphs(graph)) {
    for (const [name, tensor] of initializers) constants.set(name, tensor);
    for (const node of nodes) {
      const value = constantValue(node);
      if (value !== undefined) constants.set(node.outputs[0] ?? '', value);
    }
    for (const node of nodes) {
      const found = nonFiniteInput(node, constants, checked);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function nonFiniteInput(
  { name: node, opType, inputs }: Node,
  constants: ReadonlyMap<string, Tensor>,
  checked: Map<string, number | undefined>,
): NonFinite | undefined {
  for (const tensor of inputs) {
    const constant = constants.get(tensor);
    if (constant?.dtype !== 'float32') continue;
    if (!checked.has(tensor)) checked.set(tensor, firstNonFinite(asFloat32(constant)));
    const value = checked.get(tensor);
    if (value !== undefined && (Number.isNaN(value) || WEIGHING.has(opType))) return { tensor, node, opType, value };
  }
  return undefined;
}

/** NaN before an infinity. A sum tells in one pass that all are numbers: it is none as soon as one of them is none. */
function firstNonFinite(values: Float32Array): number | undefined {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  if (Number.isFinite(sum)) return undefined;
  return values.find(Number.isNaN) ?? values.find((value) => !Number.isFinite(value));
}
