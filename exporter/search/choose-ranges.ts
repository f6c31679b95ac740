import type { RangeSource } from '../../calibration/range-source.ts';
import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import type { Model } from '../../onnx/graph.ts';
import type { Range } from '../quantize/range.ts';
import { distance } from './divergence.ts';
import { type AskOptions, type Predictions, predictionsOf, spreadOver } from './predictions.ts';

/** Tried by `auto`. Entropy is left out: on ReLU networks it clips far too much (it aims at 8-bit histograms, not at outputs). */
export const CANDIDATES: readonly RangeMethodName[] = ['mse', 'minmax', 'percentile'];

/** Scores of this many images decide: three more sessions and a few seconds at most. */
const DECIDING_IMAGES = 128;

/** The images among these whose answers choose the range method. */
export const decidingOf = (indices: readonly number[]): readonly number[] => spreadOver(indices, DECIDING_IMAGES);

/** Ranges by value name. Inputs of the graph keep every value they had: clipping an image's whites would be seen by all layers. */
export function rangesBy(
  model: Model,
  source: RangeSource,
  method: RangeMethodName,
  methods: Readonly<Record<string, RangeMethodName>> = {},
): ReadonlyMap<string, Range> {
  const inputs = new Set(model.graph.inputs.map(({ name }) => name));
  const own = new Map(Object.entries(methods));
  return new Map(
    source.values.map((name) => [name, source.range(name, inputs.has(name) ? 'minmax' : (own.get(name) ?? method))]),
  );
}

/**
 * The method whose quantized model answers most like the float one on calibration images: least mean Kullback-Leibler
 * divergence of the class probabilities, or least noise where there are no classes (`distance`). Needs no labels, and sees
 * differences long before an answer changes.
 *
 * @param known the float model's answers to the deciding images. @default it is asked
 */
export async function chooseMethod(
  model: Model,
  quantizeWith: (method: RangeMethodName) => Promise<Model>,
  options: AskOptions,
  known?: Predictions,
): Promise<{ readonly method: RangeMethodName; readonly divergence: Readonly<Record<string, number>> }> {
  const asked = { ...options, indices: decidingOf(options.indices) };
  const expected = known ?? (await predictionsOf(model, asked));
  const divergenceOf = async (candidate: Model): Promise<number> =>
    distance(expected, await predictionsOf(candidate, asked));
  const divergence: Record<string, number> = {};
  let best: RangeMethodName = 'mse';
  for (const method of CANDIDATES) {
    divergence[method] = await divergenceOf(await quantizeWith(method));
    if (divergence[method] < (divergence[best] ?? Number.POSITIVE_INFINITY)) best = method;
  }
  return { method: best, divergence };
}
