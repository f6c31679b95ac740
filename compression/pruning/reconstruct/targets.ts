import { floatsOf, type Results } from '../../../inference/session.ts';
import type { Model } from '../../../onnx/graph.ts';
import { cutBefore, cutsOf } from './cuts.ts';
import { addRows, drawPositions, type Positions } from './positions.ts';
import { type Activation, Walk, type WalkOptions } from './walk.ts';

interface TargetRequest {
  readonly value: string;
  /** Channels of the original value, in the order of the columns. */
  readonly channels: readonly number[];
  /** Places an image at most. */
  readonly wanted: number;
  readonly seed: number;
}

interface TargetRows {
  readonly positions: Positions;
  /** `[images * perImage, channels]` */
  readonly rows: Float32Array;
}

/** Bytes of rows gathered at a time: all of a CIFAR ResNet; ResNet50 at 224x224 has 1.5 GB. */
const BYTES_AT_A_TIME = 250e6;

/** A request, the node that makes its value, and the rows found so far. */
interface Wanted extends TargetRequest {
  readonly position: number;
  found?: TargetRows;
}

/**
 * What the original model computes at the places drawn for each request. Rows of the next layers are gathered together, and each is given
 * away once: memory is bounded, whatever the depth of the network. The images are run through it once, piece by piece.
 */
export class Targets {
  readonly #original: Model;
  readonly #requests: readonly Wanted[];
  /** Those that nothing was gathered for, in the order of their values. */
  readonly #waiting: Wanted[];
  readonly #cuts: readonly number[];
  readonly #count: number;
  readonly #walk: Walk;
  readonly #bytes: number;

  /** @param bytes of rows gathered at a time */
  constructor(
    original: Model,
    requests: readonly TargetRequest[],
    images: Activation,
    count: number,
    options: WalkOptions,
    bytes = BYTES_AT_A_TIME,
  ) {
    this.#bytes = bytes;
    const { nodes, inputs } = original.graph;
    const made = new Map(nodes.flatMap(({ outputs }, position) => outputs.map((value) => [value, position] as const)));
    this.#original = original;
    this.#requests = requests.map((request) => ({ ...request, position: made.get(request.value) ?? 0 }));
    this.#waiting = this.#requests.toSorted((a, b) => a.position - b.position);
    this.#cuts = cutsOf(original);
    this.#count = count;
    this.#walk = new Walk(inputs[0]?.name ?? '', images, count, options);
  }

  /**
   * The rows of one request, which then are forgotten.
   *
   * @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
   */
  async take(request: number, signal?: AbortSignal): Promise<TargetRows> {
    const wanted = this.#requests[request]!;
    while (this.#waiting.includes(wanted)) await this.#gather(signal);
    const rows = wanted.found!;
    delete wanted.found;
    return rows;
  }

  async #gather(signal: AbortSignal | undefined): Promise<void> {
    let [next, bytes] = [0, 0];
    while (next < this.#waiting.length) {
      const { wanted, channels, position } = this.#waiting[next]!;
      if (bytes >= this.#bytes && position > this.#waiting[next - 1]!.position) break;
      bytes += 4 * this.#count * wanted * channels.length;
      next++;
    }
    const wanted = this.#waiting.splice(0, next);
    const values = [...new Set(wanted.map(({ value }) => value))];
    const visit = (results: Results, from: number): void => {
      for (const each of wanted) {
        const { dims } = results[each.value]!;
        const area = dims.slice(2).reduce((product, dim) => product * dim, 1);
        each.found ??= empty(drawPositions(this.#count, area, each.wanted, each.seed), each.channels.length);
        const { positions, rows } = each.found;
        addRows(floatsOf(results, each.value), dims, positions, each.channels, rows, from, 1);
      }
    };
    // Nothing is kept of what comes before the first value that is gathered next, or at all for none.
    const until = this.#waiting.length === 0 ? 0 : cutBefore(this.#cuts, wanted.at(-1)!.position + 1);
    await this.#walk.advance(this.#original, until, { values, visit }, signal);
  }
}

const empty = (positions: Positions, channels: number): TargetRows => ({
  positions,
  rows: new Float32Array(positions.places.length * channels),
});
