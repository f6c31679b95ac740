import { WaysideError } from '../core/errors.ts';
import { inputLength, type Preprocessing } from '../inference/preprocess.ts';
import { floatsOf, type Results } from '../inference/session.ts';
import { int, ints } from '../onnx/attributes.ts';
import type { Attributes, Model, Node, ValueType } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import { int64Tensor, type Tensor } from '../onnx/tensor.ts';
import type { Batch } from './batches.ts';
import { type ChannelAxis, channelAxes, positionOf } from './channel-axes.ts';
import type { Dataset } from './dataset.ts';
import { extentsOf } from './moments.ts';
import type { ObserveOptions } from './observe.ts';
import { type Observer, observing, runOver } from './run-over.ts';

/** What min-max ranges and bias correction need of a value: no histogram. */
export interface Extremes {
  readonly min: number;
  readonly max: number;
  /** As `ChannelMoments` has it. */
  readonly axis: ChannelAxis | undefined;
  /** E[x] and E[x^2] of each channel, or of all values together where no axis is known to be theirs. */
  readonly means: Float64Array;
  readonly meanSquares: Float64Array;
}

interface Watched {
  readonly name: string;
  readonly rank: number;
  readonly axis: ChannelAxis | undefined;
  readonly channels: number;
  /** Values a channel of one image. */
  readonly plane: number;
}

const REDUCTIONS = ['ReduceMin', 'ReduceMax', 'ReduceMean', 'ReduceSumSquare'] as const;
type Reduction = (typeof REDUCTIONS)[number];

/** From this operator set on, reductions take their axes as an input (onnx Changelog, ReduceMax-18). */
const AXES_AS_INPUT = 18;

const ONE = 'wayside-one';
const outputName = (reduction: Reduction): string => `wayside-${reduction}`;
const axesName = (rank: number, axis: ChannelAxis | undefined): string => `wayside-axes-${rank}-${axis ?? 'all'}`;

/** Every axis but the channels': `[0, 2, 3]` of an image, `[0]` of a vector. */
function axesOf(rank: number, axis: ChannelAxis | undefined): number[] {
  const kept = axis === undefined ? undefined : positionOf(axis, rank);
  return Array.from({ length: rank }, (_, at) => at).filter((at) => at !== kept);
}

const shapesOf = (model: Model, { size }: Preprocessing): ReadonlyMap<string, ValueType> =>
  inferShapes(model, { inputs: { [model.graph.inputs[0]?.name ?? '']: [1, 3, ...size] } });

function watchedOf(model: Model, preprocessing: Preprocessing, values: readonly string[]): Watched[] {
  const shapes = shapesOf(model, preprocessing);
  const axes = channelAxes(model.graph);
  return values.map((name) => {
    const shape = shapes.get(name)?.shape ?? [null];
    const dims = shape.filter((dim) => typeof dim === 'number');
    if (dims.length < shape.length) {
      throw new WaysideError('CALIBRATION_MISMATCH', {
        message: `${JSON.stringify(name)}: expected a value of known size, got [${shape.join(', ')}]`,
      });
    }
    // Of a single axis none is left to reduce, which Reduce takes for all.
    const axis = dims.length < 2 ? undefined : axes.get(name);
    const { outer, channels, plane } = extentsOf(dims, axis);
    return { name, rank: dims.length, axis, channels, plane: outer * plane };
  });
}

/**
 * The model with four outputs: each reduction of all watched values, one behind the other, `[sum of their channels]`. An
 * output for every value instead took three times as long on small images: each one crosses into JavaScript by itself.
 */
function reducing(model: Model, watched: readonly Watched[]): Model {
  const { graph, opsets } = model;
  const asInput = (opsets.get('') ?? 0) >= AXES_AS_INPUT;
  const initializers = new Map<string, Tensor>(graph.initializers);
  const nodes: Node[] = [...graph.nodes];
  const add = (opType: string, inputs: readonly string[], output: string, attributes: Attributes): void => {
    nodes.push({ name: output, opType, domain: '', inputs, outputs: [output], attributes });
  };
  for (const { name, rank, axis } of watched) {
    const axes = axesOf(rank, axis);
    if (asInput) initializers.set(axesName(rank, axis), int64Tensor([axes.length], axes));
    const attributes: Attributes = { keepdims: int(0), ...(asInput ? {} : { axes: ints(axes) }) };
    const inputs = asInput ? [name, axesName(rank, axis)] : [name];
    for (const opType of REDUCTIONS) {
      const output = `${outputName(opType)}/${name}`;
      if (axis !== undefined) add(opType, inputs, output, attributes);
      else {
        add(opType, inputs, `${output}/scalar`, attributes);
        add('Reshape', [`${output}/scalar`, ONE], output, {});
      }
    }
  }
  initializers.set(ONE, int64Tensor([1], [1]));
  for (const reduction of REDUCTIONS) {
    const parts = watched.map(({ name }) => `${outputName(reduction)}/${name}`);
    add('Concat', parts, outputName(reduction), { axis: int(0) });
  }
  const outputs = REDUCTIONS.map((reduction) => ({
    name: outputName(reduction),
    dtype: 'float32' as const,
    shape: null,
  }));
  return { ...model, graph: { ...graph, nodes, initializers, outputs, valueInfo: new Map() } };
}

/** Sums up the reductions of all runs, channel by channel of all watched values. */
class Tally implements Observer {
  readonly values = REDUCTIONS.map(outputName);
  readonly #watched: readonly Watched[];
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #images = 0;

  constructor(watched: readonly Watched[]) {
    const channels = watched.reduce((sum, value) => sum + value.channels, 0);
    this.#watched = watched;
    this.#min = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
    this.#max = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
    this.#sums = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  see({ count: images }: Batch, results: Results): void {
    const mins = floatsOf(results, outputName('ReduceMin'));
    const maxs = floatsOf(results, outputName('ReduceMax'));
    const means = floatsOf(results, outputName('ReduceMean'));
    const squares = floatsOf(results, outputName('ReduceSumSquare'));
    for (let channel = 0; channel < this.#sums.length; channel++) {
      // A mean is not a number as soon as one value is not; a maximum may step over it.
      if (!Number.isFinite(means[channel]! + mins[channel]! + maxs[channel]!)) {
        throw new WaysideError('CALIBRATION_INVALID', { message: 'a value is infinite or not a number' });
      }
      this.#min[channel] = Math.min(this.#min[channel]!, mins[channel]!);
      this.#max[channel] = Math.max(this.#max[channel]!, maxs[channel]!);
      this.#sums[channel]! += means[channel]! * images;
      this.#squares[channel]! += squares[channel]!;
    }
    this.#images += images;
  }

  result(): Map<string, Extremes> {
    const extremes = new Map<string, Extremes>();
    let from = 0;
    for (const { name, axis, channels, plane } of this.#watched) {
      const to = from + channels;
      extremes.set(name, {
        axis,
        min: this.#min.subarray(from, to).reduce((least, each) => Math.min(least, each)),
        max: this.#max.subarray(from, to).reduce((most, each) => Math.max(most, each)),
        means: this.#sums.slice(from, to).map((sum) => sum / this.#images),
        meanSquares: this.#squares.slice(from, to).map((square) => square / (this.#images * plane)),
      });
      from = to;
    }
    return extremes;
  }
}

const nothingOf = (axis: ChannelAxis | undefined): Extremes => ({
  ...{ axis, min: 0, max: 0 },
  ...{ means: new Float64Array(0), meanSquares: new Float64Array(0) },
});

/** Images a run: a few save calls where images are small; more would only cost memory. */
const BATCH_BYTES = 32 * 1024;

/** True where every row of every run is an image: a model of fixed larger batch repeats rows, which would count twice. */
export const canReduce = (model: Model): boolean => {
  const batch = model.graph.inputs[0]?.shape?.[0];
  return typeof batch !== 'number' || batch === 1;
};

/** True where the size of each value is known, as `observeExtremes` wants it. */
export function areOfKnownSize(
  model: Model,
  { preprocessing, values }: Pick<ObserveOptions, 'preprocessing' | 'values'>,
): boolean {
  const shapes = shapesOf(model, preprocessing);
  return values.every((name) => shapes.get(name)?.shape?.every((dim) => typeof dim === 'number') === true);
}

/**
 * Runs a float model over images and lets ONNX Runtime itself reduce the watched values to their extremes and moments, which are
 * all that leaves it: a third of the time of `observe` or less, and memory that does not grow with the size of the values. No
 * histogram comes of it, so only min-max ranges.
 *
 * @throws {WaysideError} CALIBRATION_MISMATCH for a value of no known shape; CALIBRATION_INVALID for one that is not
 * finite; PREPROCESS_MISMATCH, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function observeExtremes(
  model: Model,
  dataset: Dataset,
  options: ObserveOptions,
): Promise<ReadonlyMap<string, Extremes>> {
  const { values, threads, ...run } = options;
  const { preprocessing } = run;
  const all = watchedOf(model, preprocessing, values);
  // A Slice may leave nothing of a value: a reduction of nothing is infinite, or no number.
  const watched = all.filter(({ channels, plane }) => channels * plane > 0);
  const tally = new Tally(watched);
  const batchSize = Math.max(1, Math.floor(BATCH_BYTES / (inputLength(preprocessing) * 4)));
  await observing(reducing(model, watched), [], threads, (session) =>
    runOver(session, dataset, [tally], { ...run, batchSize, stage: 'calibrating' }),
  );
  const found = tally.result();
  return new Map(all.map(({ name, axis }) => [name, found.get(name) ?? nothingOf(axis)]));
}
