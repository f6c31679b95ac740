import type { Dataset } from '../../calibration/dataset.ts';
import type { RunContext } from '../../core/run/context.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import type { CompressionPlan } from '../plan/plan.ts';
import type { Precisions } from '../quantize/precision.ts';
import { type LayerErrors, measureLayerErrors, productsOf } from './layer-errors.ts';
import { describeNoisy, type NoisyLayer, noisyLayers, requireQuiet } from './layer-noise.ts';

/** An int8 model beside what it was made of. */
interface Quantized {
  readonly float: Model;
  readonly model: Model;
  readonly plan: CompressionPlan;
  readonly precisions: Precisions;
}

export interface LayerJudgement {
  readonly errors: LayerErrors;
  /** Of less than 6 dB, where that is allowed. */
  readonly noisy: readonly NoisyLayer[];
}

/**
 * Compares an int8 model with the float model it was made of, layer by layer, on calibration images. What is mostly noise is refused before
 * anything is written, or noted where it is allowed.
 *
 * @throws {WaysideError} LAYERS_NOISY; SESSION_LOAD, SESSION_RUN; AbortError when the options' signal aborts
 */
export async function judgeLayers(
  { float, model, plan, precisions }: Quantized,
  train: Dataset,
  preprocessing: Preprocessing,
  { allowNoisyLayers }: { readonly allowNoisyLayers?: boolean | undefined },
  { threads, signal, log }: RunContext,
): Promise<LayerJudgement> {
  const errors = await log.run('measure the error of layers', () =>
    measureLayerErrors(float, model, productsOf(float.graph), {
      dataset: train,
      indices: calibrationIndices(train, plan),
      preprocessing,
      threads,
      signal,
    }),
  );
  const noisy = noisyLayers(errors);
  const clustered = [...precisions.values()].some((width) => typeof width === 'number');
  if (allowNoisyLayers !== true) requireQuiet(noisy, clustered);
  else if (noisy.length > 0) log.note(`warning: ${describeNoisy(noisy)}; allowed by --allow-noisy-layers`);
  return { errors, noisy };
}
