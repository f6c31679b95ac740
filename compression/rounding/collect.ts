import type { Batch } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { withoutRepeated } from '../../calibration/observe.ts';
import { type Observer, observing, runOver } from '../../calibration/run-over.ts';
import type { RunOptions } from '../../core/progress.ts';
import { type Random, seededRandom } from '../../core/random.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { floatsOf, type Results, type RunTensor } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { elementCount } from '../../onnx/tensor.ts';
import type { Layer, Window } from '../layers.ts';
import { GramSession } from './gram.ts';
import { blockColumnsFor, type InputMoments, isLarge } from './moments.ts';
import { copyPatch, outputOf } from './patches.ts';

interface CollectOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  readonly indices: readonly number[];
  readonly seed: number;
  /** @default 1 */
  readonly threads?: number;
}

/** Rows sampled per column of a block: below about 8 the covariance is too noisy to pass errors on by. */
const SAMPLES_PER_COLUMN = 14;
/** A layer of many weights costs its samples many times over. */
const SAMPLES_PER_COLUMN_OF_LARGE = 10;
const FEWEST_SAMPLES = 4096;
/** Rows that wait for a product: 0.6 MB a block of 576 columns. Models of fixed batch 1 would else pay a call an image. */
const WAITING_ROWS = 256;
/** Images a run, and the most that the inputs of all layers may take together: SqueezeNet at 227x227 has 13 MB of them an image. */
const BATCH = 8;
const BATCH_BYTES = 48 * 2 ** 20;

/** Sums of some columns of one layer. Rows wait until there are enough for a product worth its call. */
class BlockSums {
  readonly from: number;
  readonly size: number;
  readonly products: Float32Array;
  readonly sums: Float64Array;
  readonly #waiting: Float32Array;
  #rows = 0;

  constructor(from: number, size: number) {
    this.from = from;
    this.size = size;
    this.products = new Float32Array(size * size);
    this.sums = new Float64Array(size);
    this.#waiting = new Float32Array(WAITING_ROWS * size);
  }

  get isFull(): boolean {
    return this.#rows === WAITING_ROWS;
  }

  /** @param write puts the next row at an offset of the array */
  add(write: (into: Float32Array, offset: number) => void): void {
    const offset = this.#rows * this.size;
    write(this.#waiting, offset);
    for (let i = 0; i < this.size; i++) this.sums[i]! += this.#waiting[offset + i]!;
    this.#rows++;
  }

  async flush(gram: GramSession): Promise<void> {
    if (this.#rows > 0) await gram.addTo(this.products, this.#waiting, this.#rows, this.size);
    this.#rows = 0;
  }
}

/** Sums of one layer while the images go by. */
class LayerMoments {
  readonly layer: Layer;
  readonly #images: number;
  #block: number;
  /** `[groups][blocks]`; made when the first rows come, for their number decides how wide blocks are. */
  #blocks: readonly (readonly BlockSums[])[] = [];
  #samples = 0;

  constructor(layer: Layer, images: number) {
    this.layer = layer;
    this.#images = images;
    const { columns, window } = layer;
    this.#block = blockColumnsFor(columns, window === undefined ? 1 : window.kernel[0] * window.kernel[1]);
  }

  /** Rows of a convolution that are sampled of each image. */
  get #perImage(): number {
    const perColumn = isLarge(this.layer) ? SAMPLES_PER_COLUMN_OF_LARGE : SAMPLES_PER_COLUMN;
    return Math.ceil(Math.max(FEWEST_SAMPLES, perColumn * this.#block) / this.#images);
  }

  /** @param perImage rows */
  #openBlocks(perImage: number): void {
    const { columns, groups, window } = this.layer;
    if (window === undefined && isLarge(this.layer)) {
      this.#block = blockColumnsFor(columns, 1, perImage * this.#images);
    }
    this.#blocks = Array.from({ length: groups }, (_, group) =>
      Array.from({ length: Math.ceil(columns / this.#block) }, (_, b) => {
        const from = b * this.#block;
        return new BlockSums(group * columns + from, Math.min(this.#block, columns - from));
      }),
    );
  }

  async add(tensor: RunTensor, batch: Batch, random: Random, gram: GramSession): Promise<void> {
    const { rows, write } =
      this.layer.window === undefined
        ? vectorsOf(tensor, batch)
        : this.#patches(this.layer.window, tensor, batch, random);
    if (this.#blocks.length === 0) this.#openBlocks(rows / batch.count);
    for (const block of this.#blocks.flat()) {
      for (let row = 0; row < rows; row++) {
        if (block.isFull) await block.flush(gram);
        block.add((into, offset) => write(row, block, into, offset));
      }
    }
    this.#samples += rows;
  }

  /** Rows of a convolution are patches at random positions, the same for every block. */
  #patches(window: Window, { data, dims }: RunTensor, batch: Batch, random: Random): Rows {
    const [images = 1, channels = 1, height = 1, width = 1] = withoutRepeated(dims, batch);
    const size = { channels, height, width };
    const out = outputOf(window, size);
    // An image may have been cut into windows, each a row of the batch.
    const wanted = Math.ceil((this.#perImage * batch.count) / images);
    const count = Math.min(wanted, out.rows * out.columns);
    const corners = Array.from({ length: images * count }, () => {
      const position = random.below(out.rows * out.columns);
      const row = Math.floor(position / out.columns);
      return {
        top: row * window.strides[0] - out.top,
        left: (position - row * out.columns) * window.strides[1] - out.left,
      };
    });
    const area = window.kernel[0] * window.kernel[1];
    const write: Rows['write'] = (row, { from, size: columns }, into, offset) => {
      const image = Math.floor(row / count) * channels * height * width;
      copyPatch(data as Float32Array, image, size, window, corners[row]!, from / area, columns / area, into, offset);
    };
    return { rows: corners.length, write };
  }

  async result(gram: GramSession): Promise<InputMoments> {
    const { columns, groups } = this.layer;
    const mean = new Float64Array(groups * columns);
    for (const block of this.#blocks.flat()) {
      await block.flush(gram);
      mean.set(
        block.sums.map((sum) => sum / this.#samples),
        block.from,
      );
    }
    const covariance = this.#blocks.map((blocks) => blocks.map((block) => centred(block, mean, this.#samples)));
    return { columns, groups, blockColumns: this.#block, covariance, mean, samples: this.#samples };
  }
}

/** Rows to be sampled of one batch; `write` copies the columns of a block of one of them. */
interface Rows {
  readonly rows: number;
  readonly write: (row: number, block: BlockSums, into: Float32Array, offset: number) => void;
}

/** Rows of a matrix product are the rows of its input, on whatever axes it has them. */
function vectorsOf({ data, dims }: RunTensor, batch: Batch): Rows {
  const width = dims.at(-1) ?? 1;
  const rows = elementCount(withoutRepeated(dims, batch)) / width;
  const values = data as Float32Array;
  const write: Rows['write'] = (row, { from, size }, into, offset) => {
    into.set(values.subarray(row * width + from, row * width + from + size), offset);
  };
  return { rows, write };
}

/** E[x x'] - E[x] E[x]', in the array of the products, which hold what is on and above the diagonal. */
function centred({ from, size, products }: BlockSums, mean: Float64Array, samples: number): Float32Array {
  for (let i = 0; i < size; i++) {
    const m = mean[from + i]!;
    for (let j = i; j < size; j++) {
      const covariance = products[i * size + j]! / samples - m * mean[from + j]!;
      products[i * size + j] = covariance;
      products[j * size + i] = covariance;
    }
  }
  return products;
}

/** Images a run so that the values of all stay within their share of memory, as far as their shapes are known. */
function batchWithin(model: Model, { size }: Preprocessing, values: readonly string[]): number {
  const [input] = model.graph.inputs;
  const declared = input?.shape?.[0];
  const fixed = typeof declared === 'number' ? declared : 1;
  const shapes = inferShapes(model, { inputs: { [input?.name ?? '']: [fixed, 3, ...size] } });
  let bytes = 1;
  for (const name of values) {
    const dims = shapes.get(name)?.shape ?? [];
    bytes += (4 * dims.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : 1), 1)) / fixed;
  }
  return Math.max(1, Math.min(BATCH, Math.floor(BATCH_BYTES / bytes)));
}

/** Gathers the moments of every layer's inputs while a model runs over images, from patches at random positions. */
class MomentCollector implements Observer {
  readonly values: readonly string[];
  /** Images a run so that the inputs of all layers stay within their share of memory. The patches drawn depend on it. */
  readonly batchSize: number;
  readonly #random: Random;
  readonly #gathered: readonly LayerMoments[];
  readonly #gram: GramSession;

  private constructor(
    model: Model,
    layers: readonly Layer[],
    { preprocessing, indices, seed }: CollectOptions,
    gram: GramSession,
  ) {
    this.values = [...new Set(layers.map(({ input }) => input))];
    this.batchSize = batchWithin(model, preprocessing, this.values);
    this.#random = seededRandom(seed);
    this.#gathered = layers.map((layer) => new LayerMoments(layer, indices.length));
    this.#gram = gram;
  }

  /** Opens one, uses it and frees its native memory. */
  static async using<T>(
    model: Model,
    layers: readonly Layer[],
    options: CollectOptions,
    use: (collector: MomentCollector) => Promise<T>,
  ): Promise<T> {
    const gram = await GramSession.open();
    try {
      return await use(new MomentCollector(model, layers, options, gram));
    } finally {
      await gram.close();
    }
  }

  async see(batch: Batch, seen: Results): Promise<void> {
    for (const each of this.#gathered) {
      const name = each.layer.input;
      floatsOf(seen, name);
      await each.add(seen[name]!, batch, this.#random, this.#gram);
    }
  }

  /** @returns by the name of the layer's node */
  async moments(): Promise<ReadonlyMap<string, InputMoments>> {
    const moments = new Map<string, InputMoments>();
    for (const each of this.#gathered) moments.set(each.layer.node.name, await each.result(this.#gram));
    return moments;
  }
}

/**
 * Runs the float model over images and gathers the moments of every layer's inputs.
 * Memory: one batch of the layers' inputs and one covariance a layer, whatever the number of images.
 *
 * @returns by the name of the layer's node
 * @throws {WaysideError} PREPROCESS_MISMATCH, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export function collectMoments(
  model: Model,
  layers: readonly Layer[],
  dataset: Dataset,
  options: CollectOptions,
): Promise<ReadonlyMap<string, InputMoments>> {
  return MomentCollector.using(model, layers, options, (collector) =>
    observing(model, collector.values, options.threads, async (session) => {
      const { seed: _, threads: __, ...run } = options;
      const { batchSize } = collector;
      await runOver(session, dataset, [collector], { ...run, batchSize, stage: 'measuring layer inputs' });
      return collector.moments();
    }),
  );
}
