import { WaysideError } from '../core/errors.ts';
import { inputLength, type Preprocessing } from '../inference/preprocess.ts';
import { floatsOf, openSession, type Results } from '../inference/session.ts';
import { int, ints } from '../onnx/attributes.ts';
import type { Attributes, Model, Node } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import { elementCount, int64Tensor, type Tensor } from '../onnx/tensor.ts';
import { encodeModel } from '../onnx/write.ts';
import { batchesOf, batchSizeFor } from './batches.ts';
import type { Dataset } from './dataset.ts';
import type { ObserveOptions } from './observe.ts';

/** What min-max ranges and bias correction need of a value `[N, C, ...]`: no histogram. */
export interface Extremes {
  readonly min: number;
  readonly max: number;
  /** Per channel E[x] and E[x^2]. */
  readonly means: Float64Array;
  readonly meanSquares: Float64Array;
}

/** A watched value `[N, C, ...]`. */
interface Watched {
  readonly name: string;
  readonly rank: number;
  readonly channels: number;
  /** Values a channel of one picture. */
  readonly plane: number;
}

const REDUCTIONS = ['ReduceMin', 'ReduceMax', 'ReduceMean', 'ReduceSumSquare'] as const;
type Reduction = (typeof REDUCTIONS)[number];

/** From this operator set on, reductions take their axes as an input (onnx Changelog, ReduceMax-18). */
const AXES_AS_INPUT = 18;

const outputName = (reduction: Reduction): string => `wayside-${reduction}`;
const axesName = (rank: number): string => `wayside-axes-${rank}`;

/** Every axis but the channels': `[0, 2, 3]` of a picture, `[0]` of a vector. */
const axesOf = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 1);

function watchedOf(model: Model, { size }: Preprocessing, values: readonly string[]): Watched[] {
  const input = model.graph.inputs[0]?.name ?? '';
  const shapes = inferShapes(model, { inputs: { [input]: [1, 3, ...size] } });
  return values.map((name) => {
    const shape = shapes.get(name)?.shape ?? [];
    const [, channels, ...spatial] = shape.filter((dim) => typeof dim === 'number');
    if (channels === undefined || spatial.length !== shape.length - 2) {
      throw new WaysideError('CALIBRATION_MISMATCH', {
        message: `${JSON.stringify(name)}: expected [N, C, ...] of known size, got [${shape.join(', ')}]`,
      });
    }
    return { name, rank: shape.length, channels, plane: elementCount(spatial) };
  });
}

/**
 * The model with four outputs: each reduction of all watched values, one behind the other, `[sum of their channels]`. An
 * output for every value instead took three times as long on small pictures: each one crosses into JavaScript by itself.
 */
function reducing(model: Model, watched: readonly Watched[]): Model {
  const { graph, opsets } = model;
  const asInput = (opsets.get('') ?? 0) >= AXES_AS_INPUT;
  const initializers = new Map<string, Tensor>(graph.initializers);
  const nodes: Node[] = [...graph.nodes];
  const add = (opType: string, inputs: readonly string[], output: string, attributes: Attributes): void => {
    nodes.push({ name: output, opType, domain: '', inputs, outputs: [output], attributes });
  };
  for (const { name, rank } of watched) {
    const axes = axesOf(rank);
    if (asInput) initializers.set(axesName(rank), int64Tensor([axes.length], axes));
    const attributes: Attributes = { keepdims: int(0), ...(asInput ? {} : { axes: ints(axes) }) };
    const inputs = asInput ? [name, axesName(rank)] : [name];
    for (const opType of REDUCTIONS) add(opType, inputs, `${outputName(opType)}/${name}`, attributes);
  }
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
class Tally {
  readonly #watched: readonly Watched[];
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #pictures = 0;

  constructor(watched: readonly Watched[]) {
    const channels = watched.reduce((sum, value) => sum + value.channels, 0);
    this.#watched = watched;
    this.#min = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
    this.#max = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
    this.#sums = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  add(results: Results, pictures: number): void {
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
      this.#sums[channel]! += means[channel]! * pictures;
      this.#squares[channel]! += squares[channel]!;
    }
    this.#pictures += pictures;
  }

  result(): Map<string, Extremes> {
    const extremes = new Map<string, Extremes>();
    let from = 0;
    for (const { name, channels, plane } of this.#watched) {
      const to = from + channels;
      extremes.set(name, {
        min: this.#min.subarray(from, to).reduce((least, each) => Math.min(least, each)),
        max: this.#max.subarray(from, to).reduce((most, each) => Math.max(most, each)),
        means: this.#sums.slice(from, to).map((sum) => sum / this.#pictures),
        meanSquares: this.#squares.slice(from, to).map((square) => square / (this.#pictures * plane)),
      });
      from = to;
    }
    return extremes;
  }
}

/** Pictures a run: a few save calls where pictures are small; more would only cost memory. */
const BATCH_BYTES = 32 * 1024;

/** True where every row of every run is a picture: a model of fixed larger batch repeats rows, which would count twice. */
export const canReduce = (model: Model): boolean => {
  const batch = model.graph.inputs[0]?.shape?.[0];
  return typeof batch !== 'number' || batch === 1;
};

/**
 * Runs a float model over pictures and lets ONNX Runtime itself reduce the watched values to their extremes and moments, which are
 * all that leaves it: a third of the time of `observe` or less, and memory that does not grow with the size of the values. No
 * histogram comes of it, so only min-max ranges.
 *
 * @throws {WaysideError} CALIBRATION_MISMATCH for a value of no known `[N, C, ...]` shape; CALIBRATION_INVALID for one that is not
 * finite; PREPROCESS_MISMATCH, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function observeExtremes(
  model: Model,
  dataset: Dataset,
  options: ObserveOptions,
): Promise<ReadonlyMap<string, Extremes>> {
  const { preprocessing, values, indices, threads = 1, signal, onProgress } = options;
  const watched = watchedOf(model, preprocessing, values);
  const session = await openSession(encodeModel(reducing(model, watched)), { threads });
  try {
    const { input } = session;
    const wanted = Math.max(1, Math.floor(BATCH_BYTES / (inputLength(preprocessing) * 4)));
    const batchSize = batchSizeFor(input, preprocessing, wanted);
    const tally = new Tally(watched);
    const total = indices?.length ?? dataset.size;
    let done = 0;
    for await (const { tensor, count } of batchesOf(dataset, preprocessing, batchSize, { indices })) {
      signal?.throwIfAborted();
      tally.add(await session.run({ [input.name]: tensor }), count);
      done += count;
      onProgress?.({ stage: 'calibrating', done, total });
    }
    return tally.result();
  } finally {
    await session.close();
  }
}
