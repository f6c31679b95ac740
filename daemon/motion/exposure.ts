/** Every so many pixels one is compared. */
const STRIDE = 3;
/** Darker pixels say little of a factor. */
const LEAST = 12;
const BINS = 256;
/** Of the factor, from 1/4 to 4 in even steps of its logarithm. */
const LARGEST = Math.log(4);

/** By what factor a camera's exposure, or the light, differs from when the background was seen: the median, since traffic covers less than half. */
export class Exposure {
  readonly #bins = new Int32Array(BINS);

  factorOf(grey: Float32Array, mean: Float32Array): number {
    const bins = this.#bins.fill(0);
    let all = 0;
    for (let i = 0; i < grey.length; i += STRIDE) {
      const [now, before] = [grey[i]!, mean[i]!];
      if (now < LEAST || before < LEAST || now > 250 || before > 250) continue;
      const bin = Math.floor(((Math.log(now / before) + LARGEST) / (2 * LARGEST)) * BINS);
      if (bin < 0 || bin >= BINS) continue;
      bins[bin]!++;
      all++;
    }
    if (all < BINS) return 1;
    let [below, bin] = [0, 0];
    while (below + bins[bin]! < all / 2) below += bins[bin++]!;
    const share = (bin + (all / 2 - below) / Math.max(1, bins[bin]!)) / BINS;
    return Math.exp((2 * share - 1) * LARGEST);
  }
}
