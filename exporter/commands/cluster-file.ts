import { runContext } from '../../core/run/context.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { openAndMeasure } from '../pipeline/open-float.ts';
import { runStages } from '../pipeline/run-stages.ts';
import { floatOutcome } from '../pipeline/sizes.ts';
import type { SourceOptions } from '../pipeline/source.ts';
import { type ClusteredLayer, planned } from '../pipeline/stage.ts';
import { cluster, clustered } from '../pipeline/stages/cluster.ts';
import { type PlanOptions, planOf } from '../plan/plan-of.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import { readStored } from '../reading/float-source.ts';
import { requireFiniteWeights } from '../reading/require-finite.ts';
import type { FlowOptions } from './options.ts';
import { type FileOptions, requireFreeFile, writeStage } from './stage-file.ts';

interface ClusterFileOptions
  extends Omit<FlowOptions, 'data'>,
    FileOptions,
    Pick<PlanOptions, 'seed' | 'validation' | 'calibration'> {
  /** Values that the weights of a layer take, 2 to 256. */
  readonly clusters: number;
  /** Weighs every weight by what it is multiplied with, and measures. @default every weight counts alike, nothing is measured */
  readonly data?: SourceOptions['data'] | undefined;
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
  const { data, clusters, seed, validation, calibration, out } = options;
  const context = runContext(options);
  if (data === undefined) {
    const { signal, log } = context;
    const stored = await readStored(options.model, { signal, note: log.note, output: options.output });
    const { model, layers } = await clustered(stored, clusters, undefined, signal);
    requireFiniteWeights(model, `${out} was not written: it has weights that are no numbers`);
    await writeModel(model, out);
    return { model: out, layers };
  }
  const plan = planOf({ seed, validation });
  const opened = await openAndMeasure({ ...options, data }, plan, context);
  const {
    model,
    clustered: layers = [],
    outcomes,
    clear,
  } = await runStages(
    [planned(cluster, { clusters, calibration })],
    { model: await opened.stored(), outcomes: [await floatOutcome(opened)] },
    { ...context, opened, seed: plan.seed, limits: {}, out, makes: 'clustered model' },
  );
  await writeStage(model, opened, out);
  await clear();
  return { model: out, layers, stages: outcomes };
}
