import { exposing } from '../../../calibration/observe.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { valuesRead } from '../../../onnx/topology.ts';
import { addRows, drawPositions, type Positions } from './positions.ts';
import type { Activation, WalkOptions } from './walk.ts';

export interface TargetRequest {
  readonly value: string;
  /** Channels of the original value, in the order of the columns. */
  readonly channels: readonly number[];
  /** Places a picture at most. */
  readonly wanted: number;
  readonly seed: number;
}

export interface TargetRows {
  readonly positions: Positions;
  /** `[pictures * perPicture, channels]` */
  readonly rows: Float32Array;
}

/** Bytes of rows gathered in one pass: all of a CIFAR ResNet; ResNet50 at 224x224, with 1.5 GB, takes six passes. */
const PASS_BYTES = 250e6;

/**
 * What the original model computes at the places drawn for each request. Rows of the next layers are gathered together, in one pass over
 * the images as far as the last of them, and each is given away once: memory is bounded, whatever the depth of the network.
 */
export class Targets {
  readonly #original: Model;
  readonly #requests: readonly TargetRequest[];
  readonly #pictures: Activation;
  readonly #count: number;
  readonly #options: WalkOptions;
  readonly #gathered = new Map<number, TargetRows>();

  constructor(
    original: Model,
    requests: readonly TargetRequest[],
    pictures: Activation,
    count: number,
    options: WalkOptions,
  ) {
    this.#original = original;
    this.#requests = requests;
    this.#pictures = pictures;
    this.#count = count;
    this.#options = options;
  }

  /**
   * The rows of one request; of the requests before it none can be had any more.
   *
   * @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
   */
  async take(request: number, signal?: AbortSignal): Promise<TargetRows> {
    if (!this.#gathered.has(request)) await this.#gatherFrom(request, signal);
    const rows = this.#gathered.get(request)!;
    this.#gathered.delete(request);
    return rows;
  }

  async #gatherFrom(first: number, signal: AbortSignal | undefined): Promise<void> {
    let [last, bytes] = [first, 0];
    for (; last < this.#requests.length && (last === first || bytes < PASS_BYTES); last++) {
      const { wanted, channels } = this.#requests[last]!;
      bytes += 4 * this.#count * wanted * channels.length;
    }
    const requests = this.#requests.slice(first, last);
    const values = [...new Set(requests.map(({ value }) => value))];
    const session = await openSession(encodeModel(upTo(exposing(this.#original, values), values)), {
      threads: this.#options.threads ?? 1,
      config: { 'session.intra_op.allow_spinning': '0' },
    });
    try {
      const length = this.#pictures.data.length / this.#count;
      for (let from = 0; from < this.#count; from += this.#options.batch) {
        signal?.throwIfAborted();
        const size = Math.min(this.#options.batch, this.#count - from);
        const data = this.#pictures.data.subarray(from * length, (from + size) * length);
        const feeds = { [session.input.name]: floatTensor(data, [size, ...this.#pictures.dims]) };
        const results = await session.run(feeds, { outputs: values });
        for (const [r, { value, channels, wanted, seed }] of requests.entries()) {
          const { dims } = results[value]!;
          const area = dims.slice(2).reduce((product, dim) => product * dim, 1);
          const known = this.#gathered.get(first + r);
          const rows = known ?? empty(drawPositions(this.#count, area, wanted, seed), channels.length);
          if (known === undefined) this.#gathered.set(first + r, rows);
          addRows(floatsOf(results, value), dims, rows.positions, channels, rows.rows, from, 1);
        }
      }
    } finally {
      await session.close();
    }
  }
}

/** The part of a model that makes some values: layers behind them need not run. */
function upTo(model: Model, values: readonly string[]): Model {
  const { graph } = model;
  const wanted = new Set(values);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => wanted.has(output))) return false;
    for (const value of valuesRead(node)) wanted.add(value);
    return true;
  });
  return {
    ...model,
    graph: {
      ...graph,
      nodes: nodes.reverse(),
      outputs: graph.outputs.filter(({ name }) => wanted.has(name)),
      initializers: new Map([...graph.initializers].filter(([name]) => wanted.has(name))),
    },
  };
}

const empty = (positions: Positions, channels: number): TargetRows => ({
  positions,
  rows: new Float32Array(positions.places.length * channels),
});
