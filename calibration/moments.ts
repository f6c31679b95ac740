/**
 * First and second moments of each channel of a value `[N, C, ...]`, as a stream: E[x] for bias correction, E[x^2] for
 * the weight an error in a filter's input channel has on its output.
 */
export class ChannelMoments {
  #sums = new Float64Array(0);
  #squares = new Float64Array(0);
  #perChannel = 0;

  /** @param dims shape of `values`, batch first, channel second */
  add(values: Float32Array, dims: readonly number[]): void {
    const [batch = 1, channels = 1, ...spatial] = dims;
    if (this.#sums.length !== channels) {
      if (this.#perChannel > 0) throw new RangeError(`expected ${this.#sums.length} channels, got ${channels}`);
      this.#sums = new Float64Array(channels);
      this.#squares = new Float64Array(channels);
    }
    const plane = spatial.reduce((product, dim) => product * dim, 1);
    let at = 0;
    for (let n = 0; n < batch; n++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        let square = 0;
        for (const end = at + plane; at < end; at++) {
          const value = values[at]!;
          sum += value;
          square += value * value;
        }
        this.#sums[channel]! += sum;
        this.#squares[channel]! += square;
      }
    }
    this.#perChannel += batch * plane;
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
