import { WaysideError } from '../core/errors.ts';
import type { RunOptions } from '../core/progress.ts';
import { sampleIndices, seededRandom } from '../core/random.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import type { Model } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import type { Dataset } from './dataset.ts';
import { type Observations, observe } from './observe.ts';
import { observedRanges } from './range-source.ts';
import { RANGE_METHOD_NAMES, type RangeMethodName } from './ranges/methods.ts';
import { type CalibratedValue, type CalibrationTable, modelDigest, TABLE_FORMAT } from './table.ts';

interface CalibrateOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  /** Images, drawn without replacement. @default 512, or all of a smaller set */
  readonly samples?: number | undefined;
  /** Of the draw. @default 1 */
  readonly seed?: number | undefined;
  /** Whether the model's channels were equalized: noted in the table. @default false */
  readonly equalized?: boolean | undefined;
  /** @default every float32 value that depends on the image */
  readonly values?: readonly string[] | undefined;
  /** @default 1 */
  readonly threads?: number | undefined;
}

/** Every float32 value that changes with the image: the inputs, and what is computed from them. */
export function activationsOf(model: Model): string[] {
  const types = inferShapes(model);
  const varying = new Set(model.graph.inputs.map(({ name }) => name));
  for (const node of model.graph.nodes) {
    if (!node.inputs.some((name) => varying.has(name))) continue;
    for (const output of node.outputs) if (output !== '') varying.add(output);
  }
  return [...varying].filter((name) => types.get(name)?.dtype === 'float32');
}

/** Observations as a table keeps them: every method's ranges. */
function calibrated(observations: Observations): Record<string, CalibratedValue> {
  const source = observedRanges(observations);
  return Object.fromEntries(
    [...observations].map(([name, { channels }]) => {
      const rangeOf = (method: RangeMethodName) => {
        const noise = source.noise(name, method);
        return { ...source.range(name, method), noise: Number.isFinite(noise) ? noise : null };
      };
      const ranges = Object.fromEntries(RANGE_METHOD_NAMES.map((method) => [method, rangeOf(method)]));
      const axis = channels.axis === 1 ? {} : { axis: channels.axis ?? null };
      const value = { ...axis, means: [...channels.means()], meanSquares: [...channels.meanSquares()], ranges };
      return [name, value as CalibratedValue];
    }),
  );
}

/**
 * Observes a float model on part of a data set: the ranges of its values by every method.
 *
 * @throws {WaysideError} DATASET_INVALID, CALIBRATION_MISMATCH, CALIBRATION_INVALID, PREPROCESS_MISMATCH, SESSION_LOAD,
 * SESSION_RUN; AbortError when `signal` aborts
 */
export async function calibrate(model: Model, dataset: Dataset, options: CalibrateOptions): Promise<CalibrationTable> {
  const { preprocessing, samples = 512, seed = 1, equalized = false, values = activationsOf(model) } = options;
  if (!(samples >= 1) || dataset.size < 1) {
    throw new WaysideError('DATASET_INVALID', {
      message: `cannot calibrate on ${Math.min(samples, dataset.size)} images`,
    });
  }
  // In the order of the set: neighbours are read together, and the result does not depend on the order.
  const indices = sampleIndices(dataset.size, samples, seededRandom(seed)).sort((a, b) => a - b);
  const observations = await observe(model, dataset, { ...options, values, indices });
  return {
    format: TABLE_FORMAT,
    model: modelDigest(model),
    data: { name: dataset.name, split: dataset.split, digest: await dataset.digest(), samples: indices.length, seed },
    preprocessing,
    equalized,
    values: calibrated(observations),
  };
}
