import { type ChannelAxis, positionOf } from './channel-axes.ts';
import type { Extent } from './histogram.ts';

/**
 * First and second moments of each channel of a value, as a stream: E[x] for bias correction, E[x^2] for the weight an error in a
 * filter's input channel has on its output.
 */
export class ChannelMoments {
  /** Undefined where the value is not known to have channels: it then counts as one. */
  readonly axis: ChannelAxis | undefined;
  #sums = new Float64Array(0);
  #squares = new Float64Array(0);
  #perChannel = 0;

  constructor(axis?: ChannelAxis) {
    this.axis = axis;
  }

  /**
   * @param dims shape of `values`
   * @returns what the same look at the values shows of them all
   */
  add(values: Float32Array, dims: readonly number[]): Extent {
    const { outer, channels, plane } = extentsOf(dims, this.axis);
    if (this.#sums.length !== channels) {
      if (this.#perChannel > 0) throw new RangeError(`expected ${this.#sums.length} channels, got ${channels}`);
      this.#sums = new Float64Array(channels);
      this.#squares = new Float64Array(channels);
    }
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    let total = 0;
    let at = 0;
    for (let n = 0; n < outer; n++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        let square = 0;
        for (const end = at + plane; at < end; at++) {
          const value = values[at]!;
          sum += value;
          square += value * value;
          if (value < min) min = value;
          if (value > max) max = value;
        }
        total += sum;
        this.#sums[channel]! += sum;
        this.#squares[channel]! += square;
      }
    }
    this.#perChannel += outer * plane;
    // A sum of float32 values is finite in float64 unless one of them is not.
    return { min, max, allFinite: Number.isFinite(total) };
  }

  /** E[x] of each channel. */
  means(): Float64Array {
    return this.#sums.map((sum) => sum / this.#perChannel);
  }

  /** E[x^2] of each channel. */
  meanSquares(): Float64Array {
    return this.#squares.map((square) => square / this.#perChannel);
  }
}

/** A value as `[outer, channels, plane]`. */
export function extentsOf(dims: readonly number[], axis: ChannelAxis | undefined) {
  const product = (part: readonly number[]): number => part.reduce((all, dim) => all * dim, 1);
  if (axis === undefined) return { outer: 1, channels: 1, plane: product(dims) };
  const at = positionOf(axis, dims.length);
  return { outer: product(dims.slice(0, at)), channels: dims[at] ?? 1, plane: product(dims.slice(at + 1)) };
}
