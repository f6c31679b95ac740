import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WaysideError } from '../../core/errors.ts';
import { openSession, type Session } from '../../inference/session.ts';
import { readModel } from '../../onnx/file/read.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { type GraphIndex, indexGraph } from '../../onnx/topology.ts';
import { originalNames } from './fusion-names.ts';

export interface FloatLayer {
  readonly name: string;
  readonly opType: string;
  /** What around it kept ONNX Runtime from using its int8 kernel. */
  readonly reason: string;
  /** Mixed precision: it was meant to. */
  readonly planned?: true;
  /** ONNX Runtime has no integer kernel for it: known, and said, before anything is calibrated. */
  readonly withoutKernel?: true;
}

export interface FusionReport {
  /** Convolutions and matrix products that run in int8. */
  readonly quantized: number;
  readonly float: readonly FloatLayer[];
}

/** ONNX Runtime's names for them after its optimizer, in whatever domain and layout. */
const INT8 = new Set([
  'QLinearConv',
  'ConvInteger',
  'QGemm',
  'QLinearMatMul',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'QLinearConvTranspose',
]);
const FLOAT = new Set([
  'Conv',
  'FusedConv',
  'ConvTranspose',
  'Gemm',
  'FusedGemm',
  'MatMul',
  'FusedMatMul',
  'TransposeMatMul',
]);

/** Reads the graph that ONNX Runtime made of a model: only it says what really runs in int8. */
function fusionOf({ graph }: Model): FusionReport {
  const index = indexGraph(graph);
  const float = graph.nodes.filter(({ opType }) => FLOAT.has(opType));
  return {
    quantized: graph.nodes.filter(({ opType }) => INT8.has(opType)).length,
    float: float.map((node) => ({ name: node.name, opType: node.opType, reason: reasonOf(graph, index, node) })),
  };
}

/**
 * Loads a model as the box will, at full optimization, and lists what stayed in float.
 *
 * @throws {WaysideError} SESSION_LOAD
 */
export async function checkFusion(model: string | Uint8Array): Promise<FusionReport> {
  return withOptimizedGraph(model, async (_, report) => report);
}

/** `checkFusion` for who goes on to use the session: ONNX Runtime leaks with every one it opens. */
export async function withOptimizedGraph<T>(
  model: string | Uint8Array,
  use: (session: Session, report: FusionReport) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'wayside-fusion-'));
  try {
    const optimizedModelPath = join(folder, 'optimized.onnx');
    const session = await openSession(model, { threads: 1, optimization: 'all', optimizedModelPath });
    try {
      return await use(session, fusionOf(await readModel(optimizedModelPath)));
    } finally {
      await session.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The report under the names of the file, with the layers that were known to stay in float before: those that the plan left there and
 * those that are not quantized.
 *
 * @param quantized the model that was loaded
 * @param kept names of the layers left in float by the plan
 * @param known others (`unquantized`), whether ONNX Runtime has an operator of that name or has made something else of them
 */
export function withPlanned(
  report: FusionReport,
  quantized: Model,
  kept: ReadonlySet<string>,
  known: readonly FloatLayer[] = [],
): FusionReport {
  const nameOf = originalNames(quantized);
  const float = report.float.map((layer): FloatLayer => {
    const name = nameOf(layer.name);
    const before = known.find((each) => each.name === name);
    if (before !== undefined) return before;
    return kept.has(name)
      ? { ...layer, name, reason: 'the plan leaves it in float', planned: true }
      : { ...layer, name };
  });
  return { ...report, float: [...float, ...known.filter((layer) => !float.includes(layer))] };
}

/** @throws {WaysideError} FUSION_INCOMPLETE for layers that stayed in float, were not planned to and have an integer kernel */
export function requireFused({ float: all }: FusionReport): void {
  const float = all.filter(({ planned, withoutKernel }) => planned !== true && withoutKernel !== true);
  if (float.length > 0) throw incomplete(float);
}

/** What a model is refused with whose layers stay in float. */
export function incomplete(float: readonly FloatLayer[]): WaysideError {
  const [first] = float;
  return new WaysideError('FUSION_INCOMPLETE', {
    message: `${float.length} convolutions or matrix products stayed in float; first: ${first?.name} (${first?.opType}): ${first?.reason}`,
    hint: 'allow them with --allow-float, or export the model without what is named',
  });
}

function reasonOf(graph: Graph, index: GraphIndex, node: Node): string {
  const [x = '', w = '', b = ''] = node.inputs;
  return (
    inputReason(index, x) ??
    weightReason(graph, index, w) ??
    biasReason(graph, index, b) ??
    outputReason(index, node) ??
    'everything around it is quantized: this form of the operator has no int8 kernel'
  );
}

function inputReason(index: GraphIndex, value: string): string | undefined {
  const producer = index.producer(value);
  if (producer?.opType === 'DequantizeLinear') return undefined;
  return `its input is not dequantized from uint8: ${value} comes from ${producer?.opType ?? 'outside the graph'}`;
}

function weightReason(graph: Graph, index: GraphIndex, value: string): string | undefined {
  const producer = index.producer(value);
  if (producer?.opType === 'DequantizeLinear') {
    const dtype = graph.initializers.get(producer.inputs[0] ?? '')?.dtype;
    return dtype === 'int8' || dtype === 'uint8'
      ? undefined
      : `its weights are ${dtype ?? 'computed at every run'}, not int8`;
  }
  if (graph.initializers.has(value)) return 'its weights are float';
  return `its weights are computed at every run, by ${producer?.opType ?? 'an input of the graph'}`;
}

function biasReason(graph: Graph, index: GraphIndex, value: string): string | undefined {
  if (value === '') return undefined;
  const producer = index.producer(value);
  const dtype = graph.initializers.get(producer?.inputs[0] ?? '')?.dtype;
  return producer?.opType === 'DequantizeLinear' && dtype === 'int32'
    ? undefined
    : 'its bias is not dequantized from int32';
}

function outputReason(index: GraphIndex, node: Node): string | undefined {
  const [output = ''] = node.outputs;
  const other = index.consumers(output).find(({ opType }) => opType !== 'QuantizeLinear');
  if (other !== undefined) return `its output is read in float by ${other.name} (${other.opType})`;
  return index.isOutput(output) ? 'its output leaves the graph in float' : undefined;
}
