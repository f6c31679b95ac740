import { WaysideError } from '../core/errors.ts';
import type { RunOptions } from '../core/progress.ts';
import { sampleIndices, seededRandom } from '../core/random.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import type { Model } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import type { Dataset } from './dataset.ts';
import { type Observations, observe } from './observe.ts';
import { RANGE_METHODS, type RangeMethodName } from './ranges/methods.ts';
import { type CalibratedValue, type CalibrationTable, modelDigest, TABLE_FORMAT } from './table.ts';

export interface CalibrateOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  /** Pictures, drawn without replacement. @default 512, or all of a smaller set */
  readonly samples?: number | undefined;
  /** Of the draw. @default 1 */
  readonly seed?: number | undefined;
  /** @default 'mse' */
  readonly method?: RangeMethodName | undefined;
  /** Methods of single values, by name. */
  readonly methods?: Readonly<Record<string, RangeMethodName>> | undefined;
  /** @default every float32 value that depends on the picture */
  readonly values?: readonly string[] | undefined;
  /** @default 1 */
  readonly threads?: number | undefined;
}

/** Every float32 value that changes with the picture: the inputs, and what is computed from them. */
export function activationsOf(model: Model): string[] {
  const types = inferShapes(model);
  const varying = new Set(model.graph.inputs.map(({ name }) => name));
  for (const node of model.graph.nodes) {
    if (!node.inputs.some((name) => varying.has(name))) continue;
    for (const output of node.outputs) if (output !== '') varying.add(output);
  }
  return [...varying].filter((name) => types.get(name)?.dtype === 'float32');
}

/**
 * Turns what was observed into ranges.
 *
 * @throws {WaysideError} CALIBRATION_INVALID when a value was never observed
 */
export function rangesOf(
  observations: Observations,
  method: RangeMethodName,
  methods: Readonly<Record<string, RangeMethodName>> = {},
): Record<string, CalibratedValue> {
  const values: Record<string, CalibratedValue> = {};
  for (const [name, { histogram, channels }] of observations) {
    const chosen = Object.hasOwn(methods, name) ? (methods[name] ?? method) : method;
    values[name] = {
      ...RANGE_METHODS[chosen](histogram),
      method: chosen,
      means: [...channels.means()],
      meanSquares: [...channels.meanSquares()],
    };
  }
  return values;
}

/**
 * Observes a float model on part of a data set and chooses the ranges of its values.
 *
 * @throws {WaysideError} DATASET_INVALID, CALIBRATION_MISMATCH, CALIBRATION_INVALID, PREPROCESS_MISMATCH, SESSION_LOAD,
 * SESSION_RUN; AbortError when `signal` aborts
 */
export async function calibrate(model: Model, dataset: Dataset, options: CalibrateOptions): Promise<CalibrationTable> {
  const { preprocessing, samples = 512, seed = 1, method = 'mse', methods, values = activationsOf(model) } = options;
  if (!(samples >= 1) || dataset.size < 1) {
    throw new WaysideError('DATASET_INVALID', {
      message: `cannot calibrate on ${Math.min(samples, dataset.size)} pictures`,
    });
  }
  // In the order of the set: neighbours are read together, and the result does not depend on the order.
  const indices = sampleIndices(dataset.size, samples, seededRandom(seed)).sort((a, b) => a - b);
  const { threads, signal, onProgress } = options;
  const observations = await observe(model, dataset, {
    preprocessing,
    values,
    indices,
    threads,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return {
    format: TABLE_FORMAT,
    model: modelDigest(model),
    data: { name: dataset.name, split: dataset.split, digest: await dataset.digest(), samples: indices.length, seed },
    preprocessing,
    values: rangesOf(observations, method, methods),
  };
}
