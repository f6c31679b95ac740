import type { Dataset } from '../../calibration/dataset.ts';
import { layersOf } from '../../compression/layers.ts';
import type { StageLog } from '../../core/run/stage-log.ts';
import type { DetectorHead } from '../../inference/heads/head.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import { type CompressionPlan, plannedLayers } from '../plan/plan.ts';
import { targetProfile } from '../plan/targets.ts';
import { type Precisions, precisionOf } from '../quantize/precision.ts';
import { chooseEqualization } from './choose-equalization.ts';
import type { AskOptions } from './predictions.ts';

/** The model that is calibrated, and what the plan says of its layers. */
interface EqualizedModel {
  readonly model: Model;
  readonly equalized: boolean;
  /** As the plan wishes them. */
  readonly precisions: Precisions;
  /** Codebooks of a layer, by its name. */
  readonly groups: ReadonlyMap<string, number>;
  /** Largest code of the target. */
  readonly limit: number;
  readonly asked: AskOptions;
}

/**
 * Equalizes the channels of the folded model, where the plan says so or lets its answers decide.
 *
 * @throws {WaysideError} CLUSTER_INVALID for a plan of another model
 */
export async function equalizedBy(
  plan: CompressionPlan,
  folded: Model,
  train: Dataset,
  options: {
    readonly preprocessing: Preprocessing;
    readonly head?: DetectorHead | undefined;
    readonly threads: number;
    readonly signal?: AbortSignal | undefined;
  },
  stages: StageLog,
): Promise<EqualizedModel> {
  const { preprocessing, head, threads, signal } = options;
  const { limit } = targetProfile(plan.target);
  const layers = plannedLayers(plan, layersOf(folded.graph));
  const asked: AskOptions = {
    dataset: train,
    indices: calibrationIndices(train, plan),
    preprocessing,
    head,
    threads,
    signal,
  };
  const precisions: Precisions = new Map([...layers].map(([name, layer]) => [name, precisionOf(layer)]));
  const groups = new Map([...layers].map(([name, layer]) => [name, layer.groups ?? 1]));
  const chosen = await stages.run('choose equalization', () =>
    chooseEqualization(folded, plan.equalize ?? false, { ...asked, precisions, groups, limit }),
  );
  return { ...chosen, precisions, groups, limit, asked };
}
