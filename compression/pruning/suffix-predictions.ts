import { probabilities } from '../../inference/scores.ts';
import { floatsOf, type Results } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { type Activation, Walk } from './reconstruct/walk.ts';

const BATCH = 16;

/**
 * Class probabilities of variants of one model, for images at hand. What lies before the first node in which a variant differs has been run
 * once for all of them.
 */
export class SuffixPredictions {
  readonly #model: Model;
  readonly #walk: Walk;
  readonly #images: number;

  constructor(model: Model, images: Activation, threads: number) {
    const length = images.dims.reduce((product, dim) => product * dim, 1);
    const [input] = model.graph.inputs;
    const fixed = input?.shape?.[0];
    const batch = typeof fixed === 'number' ? fixed : BATCH;
    this.#images = images.data.length / length;
    const runs = Math.ceil(this.#images / batch);
    const rows = typeof fixed === 'number' ? runs * batch : this.#images;
    this.#model = model;
    this.#walk = new Walk(input?.name ?? '', filledUp(images, rows * length), rows, { batch, threads });
  }

  /**
   * Variants from now on are the model itself before this position.
   *
   * @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
   */
  async goTo(position: number, signal?: AbortSignal): Promise<void> {
    await this.#walk.advance(this.#model, position, undefined, signal);
  }

  /** @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts */
  async of(variant: Model, signal?: AbortSignal): Promise<Float32Array[]> {
    const output = variant.graph.outputs[0]?.name ?? '';
    const found: Float32Array[] = [];
    const visit = (results: Results, _: number, count: number): void => {
      const scores = floatsOf(results, output);
      const classes = scores.length / count;
      for (let i = 0; i < count; i++) found.push(probabilities(scores.slice(i * classes, (i + 1) * classes)));
    };
    await this.#walk.advance(variant, 0, { values: [output], visit }, signal);
    return found.slice(0, this.#images);
  }
}

/** A model of fixed batch is fed as many rows as it asks for; what comes of the empty ones is not looked at. */
function filledUp({ dims, data }: Activation, length: number): Activation {
  if (length === data.length) return { dims, data };
  const filled = new Float32Array(length);
  filled.set(data);
  return { dims, data: filled };
}
