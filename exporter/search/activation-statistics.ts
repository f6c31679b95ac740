import type { Dataset } from '../../calibration/dataset.ts';
import { areOfKnownSize, canReduce, type Extremes, observeExtremes } from '../../calibration/extremes.ts';
import { type ObserveOptions, observe } from '../../calibration/observe.ts';
import { observedRanges, type RangeSource, tableRanges } from '../../calibration/range-source.ts';
import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import { type CalibrationTable, requireTableFor } from '../../calibration/table.ts';
import type { Layer } from '../../compression/layers.ts';
import type { InputVariances } from '../../compression/rounding/moments.ts';
import type { DetectorHead } from '../../inference/heads/head.ts';
import type { Model } from '../../onnx/graph.ts';
import type { CompressionPlan } from '../plan/plan.ts';
import type { Range } from '../quantize/range.ts';
import { rangesBy } from './choose-ranges.ts';
import { PredictionKeeper, type Predictions } from './predictions.ts';

type ChannelMoments = Pick<Extremes, 'axis' | 'means' | 'meanSquares'>;

/** What calibration images showed of the values of a model. */
export interface Watched {
  /** @param methods of single values that differ */
  ranges(method: RangeMethodName, methods?: Readonly<Record<string, RangeMethodName>>): ReadonlyMap<string, Range>;
  /** By every method; undefined where the plan needed no other than min-max. */
  readonly source: RangeSource | undefined;
  /** Per channel of a value; undefined for one that was not watched. */
  channels(value: string): ChannelMoments | undefined;
  /** Of the model to the images whose answers were asked for; undefined where the images were not run. */
  readonly answers?: Predictions | undefined;
}

interface WatchOptions extends ObserveOptions {
  readonly indices: readonly number[];
  /** Images whose answers are kept, so that the model need not be run again for them. */
  readonly answered: readonly number[];
  /** Of a detector. */
  readonly head?: DetectorHead | undefined;
}

/**
 * Watches without histograms where the plan needs none: min-max ranges, no choice between methods. Not at all where there is a table.
 *
 * @throws {WaysideError} CALIBRATION_MISMATCH for a table of another model
 */
export async function watch(
  model: Model,
  train: Dataset,
  plan: Pick<CompressionPlan, 'range' | 'ranges'>,
  options: WatchOptions & { readonly table?: CalibrationTable | undefined },
): Promise<Watched> {
  const { table, values } = options;
  if (table !== undefined) {
    requireTableFor(table, model, { values });
    return watchedBy(model, tableRanges(table), (value) => momentsIn(table, value));
  }
  return plan.range === 'minmax' && plan.ranges === undefined && canReduce(model) && areOfKnownSize(model, options)
    ? await watchExtremes(model, train, options)
    : await watchAll(model, train, options);
}

async function watchExtremes(model: Model, train: Dataset, options: ObserveOptions): Promise<Watched> {
  // Reductions of small values gain nothing from more: ResNet56 took 2.6 s with one thread, 2.2 with two, 2.5 with four.
  const extremes = await observeExtremes(model, train, { ...options, threads: Math.min(2, options.threads ?? 1) });
  const ranges = new Map(
    [...extremes].map(([name, { min, max }]) => [name, { min: Math.min(0, min), max: Math.max(0, max) }]),
  );
  return { ranges: () => ranges, source: undefined, channels: (value) => extremes.get(value) };
}

async function watchAll(model: Model, train: Dataset, { answered, head, ...options }: WatchOptions): Promise<Watched> {
  const { indices, preprocessing } = options;
  const own = { outputs: model.graph.outputs.length, indices, only: new Set(answered), head, preprocessing };
  let keeper: PredictionKeeper | undefined;
  const observations = await observe(model, train, options, (session) => {
    if (answered.length > 0) keeper = new PredictionKeeper(session, own);
    return keeper === undefined ? [] : [keeper];
  });
  const watched = watchedBy(model, observedRanges(observations), (value) => {
    const channels = observations.get(value)?.channels;
    return channels && { axis: channels.axis, means: channels.means(), meanSquares: channels.meanSquares() };
  });
  return { ...watched, answers: keeper?.answers };
}

function watchedBy(model: Model, source: RangeSource, channels: Watched['channels']): Watched {
  // Ranges of least error take a second on a network of 100 layers, and every layer may be tried alone with the same ones.
  const known = new Map<string, ReadonlyMap<string, Range>>();
  return {
    source,
    ranges(method, methods) {
      const key = `${method} ${JSON.stringify(methods ?? {})}`;
      const ranges = known.get(key) ?? rangesBy(model, source, method, methods);
      known.set(key, ranges);
      return ranges;
    },
    channels,
  };
}

function momentsIn({ values }: CalibrationTable, value: string): ChannelMoments | undefined {
  const known = values[value];
  if (known === undefined) return undefined;
  // Tables without an axis took the second for that of the channels, whatever the value.
  const { axis = 1, means, meanSquares } = known;
  return { axis: axis ?? undefined, means: Float64Array.from(means), meanSquares: Float64Array.from(meanSquares) };
}

/**
 * Moments of the inputs of all layers from those of their channels: every position of a kernel sees the same channel, padding left out
 * of account, and nothing is known of how columns vary together. Enough to round to nearest and to correct biases.
 *
 * @returns by the name of the layer's node; undefined where the channels of a value are not a layer's input channels
 */
export function momentsOfChannels(
  layers: readonly Layer[],
  watched: Watched,
): ReadonlyMap<string, InputVariances> | undefined {
  const moments = new Map<string, InputVariances>();
  for (const layer of layers) {
    const channels = watched.channels(layer.input);
    const { columns, groups, window } = layer;
    const area = window === undefined ? 1 : window.kernel[0] * window.kernel[1];
    if (channels === undefined || channels.means.length * area !== columns * groups) return undefined;
    // A Gemm reads vectors `[N, C]`: their second axis is their last.
    const axes = window === undefined ? (layer.node.opType === 'Gemm' ? [1, -1] : [-1]) : [1];
    if (channels.axis === undefined || !axes.includes(channels.axis)) return undefined;
    moments.set(layer.node.name, spread(channels, layer, area));
  }
  return moments;
}

/** The moments of each channel at every one of the `area` positions of a kernel. */
function spread({ means, meanSquares }: ChannelMoments, { columns, groups }: Layer, area: number): InputVariances {
  const mean = new Float64Array(columns * groups);
  const variances = new Float64Array(columns * groups);
  for (let column = 0; column < mean.length; column++) {
    const channel = Math.floor(column / area);
    mean[column] = means[channel]!;
    variances[column] = Math.fround(Math.max(0, meanSquares[channel]! - means[channel]! ** 2));
  }
  return { columns, groups, mean, variances };
}
