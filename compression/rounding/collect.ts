import { batchesOf, batchSizeFor } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { exposing } from '../../calibration/observe.ts';
import type { RunOptions } from '../../core/progress.ts';
import { type Random, seededRandom } from '../../core/random.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { floatsOf, openSession, type RunTensor } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { encodeModel } from '../../onnx/write.ts';
import type { Layer } from '../layers.ts';
import { GramSession } from './gram.ts';
import { blockColumnsFor, type InputMoments } from './moments.ts';
import { copyPatch, outputOf } from './patches.ts';

export interface CollectOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  readonly indices: readonly number[];
  readonly seed: number;
  /** @default 1 */
  readonly threads?: number;
}

/** Rows sampled per column of a block: below about 8 the covariance is too noisy to pass errors on by. */
const SAMPLES_PER_COLUMN = 14;
const FEWEST_SAMPLES = 4096;
/** 8 pictures: the inputs of all layers of SqueezeNet at 227x227 take 13 MB a picture. */
const BATCH = 8;

/** Sums of one layer while the pictures go by. */
class LayerMoments {
  readonly layer: Layer;
  readonly #perPicture: number;
  readonly #block: number;
  readonly #sums: Float32Array[][];
  readonly #mean: Float64Array;
  #samples = 0;

  constructor(layer: Layer, pictures: number) {
    this.layer = layer;
    const { columns, groups, window } = layer;
    this.#block = blockColumnsFor(columns, window === undefined ? 1 : window.kernel[0] * window.kernel[1]);
    this.#perPicture = Math.ceil(Math.max(FEWEST_SAMPLES, SAMPLES_PER_COLUMN * this.#block) / pictures);
    this.#sums = Array.from({ length: groups }, () =>
      Array.from({ length: Math.ceil(columns / this.#block) }, (_, b) => {
        const size = Math.min(this.#block, columns - b * this.#block);
        return new Float32Array(size * size);
      }),
    );
    this.#mean = new Float64Array(groups * columns);
  }

  async add(tensor: RunTensor, pictures: number, random: Random, gram: GramSession): Promise<void> {
    const sampler =
      this.layer.window === undefined ? this.#vectors(tensor, pictures) : this.#patches(tensor, pictures, random);
    const { columns } = this.layer;
    const x = new Float32Array(sampler.rows * this.#block);
    for (const [group, blocks] of this.#sums.entries()) {
      for (const [b, sum] of blocks.entries()) {
        const from = b * this.#block;
        const size = Math.min(this.#block, columns - from);
        sampler.fill(x, group * columns + from, size);
        for (let i = 0; i < sampler.rows; i++) {
          for (let j = 0; j < size; j++) this.#mean[group * columns + from + j]! += x[i * size + j]!;
        }
        await gram.addTo(sum, x, sampler.rows, size);
      }
    }
    this.#samples += sampler.rows;
  }

  /** Rows of a matrix product are the rows of its input. */
  #vectors({ data, dims }: RunTensor, pictures: number) {
    const width = dims.at(-1) ?? 1;
    const perPicture = data.length / width / (dims[0] ?? 1);
    const rows = pictures * perPicture;
    const fill = (x: Float32Array, from: number, size: number): void => {
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < size; j++) x[i * size + j] = Number(data[i * width + from + j]);
    };
    return { rows, fill };
  }

  /** Rows of a convolution are patches at random positions, the same for every block. */
  #patches({ data, dims }: RunTensor, pictures: number, random: Random) {
    const window = this.layer.window!;
    const [, channels = 1, height = 1, width = 1] = dims;
    const size = { channels, height, width };
    const out = outputOf(window, size);
    const count = Math.min(this.#perPicture, out.rows * out.columns);
    const corners = Array.from({ length: pictures * count }, () => {
      const position = random.below(out.rows * out.columns);
      const row = Math.floor(position / out.columns);
      return {
        top: row * window.strides[0] - out.top,
        left: (position - row * out.columns) * window.strides[1] - out.left,
      };
    });
    const area = window.kernel[0] * window.kernel[1];
    const values = data as Float32Array;
    const fill = (x: Float32Array, from: number, columns: number): void => {
      corners.forEach((corner, i) => {
        const picture = Math.floor(i / count) * channels * height * width;
        copyPatch(values, picture, size, window, corner, from / area, columns / area, x, i * columns);
      });
    };
    return { rows: corners.length, fill };
  }

  result(): InputMoments {
    const { columns, groups } = this.layer;
    const mean = this.#mean.map((sum) => sum / this.#samples);
    const covariance = this.#sums.map((blocks, group) =>
      blocks.map((sum, b) => {
        const size = Math.sqrt(sum.length);
        const start = group * columns + b * this.#block;
        for (let i = 0; i < size; i++) {
          const m = mean[start + i]!;
          for (let j = 0; j < size; j++) sum[i * size + j] = sum[i * size + j]! / this.#samples - m * mean[start + j]!;
        }
        return sum;
      }),
    );
    return { columns, groups, blockColumns: this.#block, covariance, mean, samples: this.#samples };
  }
}

/**
 * Runs the float model over pictures and gathers the moments of every layer's inputs, from patches at random positions.
 * Memory: one batch of the layers' inputs and one covariance a layer, whatever the number of pictures.
 *
 * @returns by the name of the layer's node
 * @throws {WaysideError} PREPROCESS_MISMATCH, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function collectMoments(
  model: Model,
  layers: readonly Layer[],
  dataset: Dataset,
  options: CollectOptions,
): Promise<ReadonlyMap<string, InputMoments>> {
  const { preprocessing, indices, seed, threads = 1, signal, onProgress } = options;
  const random = seededRandom(seed);
  const values = [...new Set(layers.map(({ input }) => input))];
  const session = await openSession(encodeModel(exposing(model, values)), {
    threads,
    config: { 'session.intra_op.allow_spinning': '0' },
  });
  const gram = await GramSession.open();
  try {
    const { input } = session;
    const fixed = typeof input.shape[0] === 'number';
    const batchSize = batchSizeFor(input, preprocessing, BATCH);
    const gathered = layers.map((layer) => new LayerMoments(layer, indices.length));
    const outputs = values.filter((name) => name !== input.name);
    let done = 0;
    for await (const { tensor, count } of batchesOf(dataset, preprocessing, batchSize, { indices, fixed })) {
      signal?.throwIfAborted();
      const results = outputs.length === 0 ? {} : await session.run({ [input.name]: tensor }, { outputs });
      for (const each of gathered) {
        const name = each.layer.input;
        if (name !== input.name) floatsOf(results, name);
        await each.add(name === input.name ? tensor : results[name]!, count, random, gram);
      }
      done += count;
      onProgress?.({ stage: 'measuring layer inputs', done, total: indices.length });
    }
    return new Map(gathered.map((each) => [each.layer.node.name, each.result()]));
  } finally {
    await gram.close();
    await session.close();
  }
}
