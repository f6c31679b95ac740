import { newerThanKnown } from '../onnx/check.ts';
import { withConstantsStored } from '../onnx/constants.ts';
import { macsOf, typesOfOneImage, uncountedNode } from '../onnx/cost.ts';
import type { Graph, Model, Shape, ValueInfo } from '../onnx/graph.ts';
import { elementCount, type Tensor } from '../onnx/tensor.ts';
import { allGraphs, type GraphIndex, indexGraph } from '../onnx/topology.ts';
import { type StoredWeight, storedWeights } from '../onnx/weights.ts';

interface Layer {
  readonly name: string;
  readonly operator: string;
  readonly weights: number;
  readonly uniqueWeights: number;
  readonly form: StoredWeight['form'];
}

/** What can be said of a model without running it. */
export interface Inspection {
  readonly irVersion: number;
  /** Operator set version by domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly shape: Shape | null }[];
  readonly outputs: Inspection['inputs'];
  /** Nodes by operator, the most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
  /** Weights, biases and normalisation constants; not scales, zero points, codebooks or shapes. */
  readonly parameters: number;
  /** Multiply-accumulate operations for one image; null where a shape is unknown. */
  readonly macs: number | null;
  /** The first node whose operations cannot be counted, as a shape is unknown; null where all can. */
  readonly uncounted: string | null;
  /** Twice `macs`. */
  readonly flops: number | null;
  /** Summed over the layers. */
  readonly uniqueWeights: number;
  readonly quantized: 'no' | 'partly' | 'yes';
  readonly layers: readonly Layer[];
  /** What contradicts itself, is newer than what is known here, or was left out of account. */
  readonly notes: readonly string[];
}

const describe = ({ name, dtype, shape }: ValueInfo): Inspection['inputs'][number] => ({ name, type: dtype, shape });

function countOperators(graph: Graph): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { opType } of graph.nodes) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

/** Operators that learn nothing but their first input: the others are bounds, sizes, exponents, scales. */
const SETTINGS = new Set(
  'QuantizeLinear DequantizeLinear Reshape Unsqueeze Squeeze Clip Pad Resize Upsample Pow Dropout Expand Tile Slice'.split(
    ' ',
  ),
);

/** Inputs of quantized operators that hold weights and biases; the others are scales and zero points. */
const LEARNT: Readonly<Record<string, readonly number[]>> = {
  QLinearConv: [3, 8],
  QLinearMatMul: [0, 3],
  QGemm: [3, 6],
  QLinearAdd: [0, 3],
  QLinearMul: [0, 3],
};

/** Constants that describe how others are stored, or shapes and axes: nothing that was learnt. */
function isBookkeeping(name: string, { dtype }: Tensor, index: GraphIndex): boolean {
  if (dtype === 'int64' || dtype === 'bool') return true; // sizes, axes, positions, masks: weights are never stored so
  const consumers = index.consumers(name);
  return (
    consumers.length > 0 &&
    consumers.every(({ opType, inputs }) => {
      const position = inputs.indexOf(name);
      if (SETTINGS.has(opType)) return position > 0;
      const learnt = LEARNT[opType];
      if (learnt !== undefined) return !learnt.includes(position);
      return opType === 'Gather' && position === 0; // a codebook: its indices are counted
    })
  );
}

function countParameters(graph: Graph, index: GraphIndex): number {
  let total = 0;
  for (const [name, tensor] of graph.initializers) {
    if (!isBookkeeping(name, tensor, index)) total += elementCount(tensor.dims);
  }
  return total;
}

/** What contradicts itself in a model is noted, not refused: ONNX Runtime may load it all the same. */
export function inspectModel(model: Model): Inspection {
  const { graph } = model;
  const parts = allGraphs(graph)
    .map(withConstantsStored)
    .map((part) => ({ part, index: indexGraph(part) }));
  const stored = parts.flatMap(({ part, index }) => storedWeights(part, index));
  const notes = new Set(
    newerThanKnown(model).map((newer) => `the model has ${newer}: what is said below may be wrong`),
  );
  const types = typesOfOneImage(model, undefined, { onContradiction: (text) => notes.add(text) });
  if (parts.slice(1).some(({ part, index }) => storedWeights(part, index).length > 0)) {
    notes.add('operations inside branches and loops are not counted');
  }
  const macs = macsOf(graph, types) ?? null;
  const uncounted = uncountedNode(graph, types);
  const quantized = stored.filter(({ form }) => form !== 'float').length;
  return {
    irVersion: model.irVersion,
    opsets: Object.fromEntries(
      [...model.opsets].map(([domain, version]) => [domain === '' ? 'ai.onnx' : domain, version]),
    ),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    inputs: graph.inputs.map(describe),
    outputs: graph.outputs.map(describe),
    operators: countOperators(graph),
    parameters: parts.reduce((sum, { part, index }) => sum + countParameters(part, index), 0),
    macs,
    notes: [...notes],
    uncounted: uncounted === undefined ? null : `${uncounted.opType} ${uncounted.name}`,
    flops: macs === null ? null : 2 * macs,
    uniqueWeights: stored.reduce((sum, { unique }) => sum + unique, 0),
    quantized: quantized === 0 ? 'no' : quantized === stored.length ? 'yes' : 'partly',
    layers: stored.map(({ node, elements, unique, form }) => ({
      name: node.name,
      operator: node.opType,
      weights: elements,
      uniqueWeights: unique,
      form,
    })),
  };
}
