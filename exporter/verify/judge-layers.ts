import type { Dataset } from '../../calibration/dataset.ts';
import type { StageLog } from '../../core/stage-log.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { type CompressOptions, defaultThreads } from '../pipeline/options.ts';
import type { Produced } from '../pipeline/quantize-by-plan.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import { type LayerErrors, measureLayerErrors, productsOf } from './layer-errors.ts';
import { describeNoisy, type NoisyLayer, noisyLayers, requireQuiet } from './layer-noise.ts';

export interface JudgedLayers {
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
  { float, model, plan, widths }: Produced,
  train: Dataset,
  preprocessing: Preprocessing,
  {
    threads,
    signal,
    allowNoisyLayers,
    note,
  }: Pick<CompressOptions, 'threads' | 'signal' | 'allowNoisyLayers' | 'note'>,
  stages: StageLog,
): Promise<JudgedLayers> {
  const errors = await stages.run('measure the error of layers', () =>
    measureLayerErrors(float, model, productsOf(float.graph), {
      dataset: train,
      indices: calibrationIndices(train, plan),
      preprocessing,
      threads: threads ?? defaultThreads(),
      signal,
    }),
  );
  const noisy = noisyLayers(errors);
  const clustered = [...widths.values()].some((width) => typeof width === 'number');
  if (allowNoisyLayers !== true) requireQuiet(noisy, clustered);
  else if (noisy.length > 0) note?.(`warning: ${describeNoisy(noisy)}; allowed by --allow-noisy-layers`);
  return { errors, noisy };
}
