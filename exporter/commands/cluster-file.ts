import { clusterValues } from '../../compression/clustering/values.ts';
import { type Layer, layersOf, storedOrder, weightRows } from '../../compression/layers.ts';
import { collectMoments } from '../../compression/rounding/collect.ts';
import { columnVariances, type InputMoments } from '../../compression/rounding/moments.ts';
import { WaysideError } from '../../core/errors.ts';
import { StageLog } from '../../core/stage-log.ts';
import { distinctFloats } from '../../onnx/distinct.ts';
import { encodeModel, writeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { float32Tensor, type Tensor } from '../../onnx/tensor.ts';
import { measureModel } from '../pipeline/measure.ts';
import { type OpenedAndMeasured, openAndMeasure, type SourceOptions } from '../pipeline/open-float.ts';
import { defaultThreads } from '../pipeline/options.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import { sizesOf } from '../prune-finetune/slim.ts';
import { readStored } from '../reading/float-source.ts';
import { requireLayers } from '../reading/require-layers.ts';
import { requireFiniteWeights } from '../verify/require-finite.ts';
import { type FileOptions, floatOutcome, requireFreeFile, writeStage } from './stage-file.ts';

export interface ClusterFileOptions extends Omit<SourceOptions, 'data'>, FileOptions {
  /** Values that the weights of a layer take, 2 to 256. */
  readonly clusters: number;
  /** Weighs every weight by what it is multiplied with, and measures. @default every weight counts alike, nothing is measured */
  readonly data?: SourceOptions['data'] | undefined;
  /** Training pictures to weigh by. @default 512 */
  readonly calibration?: number | undefined;
  /** @default 0 */
  readonly seed?: number | undefined;
  /** @default up to 4 */
  readonly threads?: number | undefined;
}

/** One layer's weights: how many there are, how many different ones before and after, and the share of their energy that is lost. */
export interface ClusteredLayer {
  readonly name: string;
  readonly weights: number;
  readonly before: number;
  readonly after: number;
  readonly error: number;
}

export interface ClusterFileResult {
  readonly model: string;
  readonly layers: readonly ClusteredLayer[];
  /** Where there was data. */
  readonly stages?: readonly StageOutcome[];
}

/**
 * Writes the float model with at most so many distinct weights in each layer, for those who deploy float and pack the file. Constants
 * are folded, so that weights are found wherever the file keeps them; normalisations are not: each scales the channels of a layer
 * apart, and one codebook would have to serve them all.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, CLUSTER_INVALID, NOTHING_TO_DO, FILE_WRITE_FAILED; MODEL_*; with data as `openAndMeasure`
 */
export async function clusterFile(options: ClusterFileOptions): Promise<ClusterFileResult> {
  await requireFreeFile(options);
  const { data, clusters, out, signal } = options;
  if (data === undefined) {
    const { model, layers } = await clustered(await readStored(options.model, options), clusters, undefined, signal);
    requireFiniteWeights(model, `${out} was not written: it has weights that are no numbers`);
    await writeModel(model, out);
    return { model: out, layers };
  }
  const opened = await openAndMeasure({ ...options, data }, new StageLog());
  const started = performance.now();
  const stored = await opened.stored();
  const moments = await momentsOf(stored, opened, options);
  const { model, layers } = await clustered(stored, clusters, moments, signal);
  const seconds = (performance.now() - started) / 1000;
  const bytes = encodeModel(model);
  const { top1, latencyMs } = await measureModel(bytes, 'evaluating clustered model', opened.measuring);
  await writeStage(model, opened, out);
  const float = await floatOutcome(opened);
  const outcome = {
    ...float,
    name: 'cluster',
    top1,
    latencyMs,
    bytes: bytes.byteLength,
    ...(await sizesOf(opened.folded, opened.preprocessing)),
    seconds,
  };
  return { model: out, layers, stages: [float, outcome] };
}

function momentsOf(
  model: Model,
  { data: { train }, preprocessing }: OpenedAndMeasured,
  { calibration = 512, seed = 0, threads = defaultThreads(), signal, onProgress }: ClusterFileOptions,
): Promise<ReadonlyMap<string, InputMoments>> {
  const samples = Math.min(calibration, train.size);
  const indices = calibrationIndices(train, { seed, calibration: { samples } });
  const run = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  return collectMoments(model, layersOf(model.graph), train, { preprocessing, indices, seed, threads, ...run });
}

async function clustered(
  model: Model,
  k: number,
  moments: ReadonlyMap<string, InputMoments> | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly model: Model; readonly layers: readonly ClusteredLayer[] }> {
  requireLayers(model, 'cluster');
  const { graph } = model;
  const initializers = new Map<string, Tensor>(graph.initializers);
  const layers: ClusteredLayer[] = [];
  for (const layer of layersOf(graph)) {
    signal?.throwIfAborted();
    const [, weights = ''] = layer.node.inputs;
    if (initializers.get(weights) !== graph.initializers.get(weights)) continue; // shared with a layer before
    const rows = weightRows(layer);
    const found = clusterValues(rows, k, importanceIn(layer, moments?.get(layer.node.name)));
    initializers.set(weights, float32Tensor(layer.weights.dims, storedOrder(layer, found.values)));
    const [before, after] = [distinctFloats(rows), distinctFloats(found.values)];
    layers.push({ name: layer.node.name, weights: rows.length, before, after, error: found.error });
    await new Promise(setImmediate); // lets an interrupt be heard between layers
  }
  requireChange(layers, k);
  return { model: { ...model, graph: { ...graph, initializers } }, layers };
}

/** @throws {WaysideError} NOTHING_TO_DO where no layer had more values than asked for */
function requireChange(layers: readonly ClusteredLayer[], k: number): void {
  if (layers.some(({ before, after }) => after < before)) return;
  throw new WaysideError('NOTHING_TO_DO', {
    message: `no layer has more than ${k} distinct weights: the model would stay as it is`,
    hint: 'ask for fewer clusters',
  });
}

/** E[x^2] of what a weight is multiplied with. */
function importanceIn({ rows, columns, groups }: Layer, moments: InputMoments | undefined) {
  if (moments === undefined) return undefined;
  const squares = Array.from({ length: groups }, (_, g) =>
    columnVariances(moments, g).map((variance, i) => variance + moments.mean[g * columns + i]! ** 2),
  );
  return (position: number): number => {
    const row = Math.floor(position / columns);
    return squares[Math.floor((row * groups) / rows)]![position % columns]!;
  };
}
