import { DriftEstimator } from './drift.ts';

/**
 * The estimate of the drift errs by less: it follows a swing of 20 ppm a day half an hour behind, which is 3 ppm. Without this allowance the
 * error would add up over days to a lag that is none; with it a lag that never changes is forgotten at 36 ms an hour.
 */
const DRIFT_ALLOWANCE_PPM = 10;
/**
 * Decoders give frames in order, so time that goes back by more than jitter is a clock that was set, or wrapped around: the lag stays what it was.
 * One that jumps ahead needs no case: the frame lies below the baseline.
 */
const LEAST_JUMP_MS = 1000;

/**
 * How far a camera's frames are behind the camera, from when they arrive and the presentation time they carry.
 *
 * `arrival - presentation time` has an unknown constant in it; its smallest value since connecting belongs to the frame that waited least,
 * and is the baseline. It may rise only as fast as the clocks drift apart. What lies above it is lag: waiting in the camera, on the
 * network, before the decoder and in it. What was there before the first frame cannot be seen.
 */
export class LagMeter {
  readonly #drift: DriftEstimator;
  #baseline = Number.NaN;
  #at = Number.NaN;
  #pts = Number.NaN;

  /** @param drift outlives the connection: a camera keeps its crystal */
  constructor(drift = new DriftEstimator()) {
    this.#drift = drift;
    drift.interrupt();
  }

  /** The first frame came, whose time is lost: it is not below 0, where the stream begins, and what comes may lie above that already. */
  first(at: number): void {
    if (!Number.isNaN(this.#baseline)) return;
    [this.#baseline, this.#at] = [at, at];
  }

  /**
   * A frame came.
   *
   * @param at ms of a monotonic clock, never falling
   * @param pts presentation time, ms, by the camera's clock
   * @returns its lag in ms, at least 0
   */
  add(at: number, pts: number): number {
    const offset = at - pts;
    if (pts < this.#pts - LEAST_JUMP_MS) {
      this.#baseline += offset - (this.#at - this.#pts);
      this.#drift.interrupt();
    }
    const rise = ((this.#drift.ppm + DRIFT_ALLOWANCE_PPM) / 1e6) * (at - this.#at);
    this.#baseline = Number.isNaN(this.#baseline) ? offset : Math.min(offset, this.#baseline + rise);
    [this.#at, this.#pts] = [at, pts];
    this.#drift.add(at, offset);
    return offset - this.#baseline;
  }

  /** Lag in ms of any frame of this connection; 0 before the first was added. */
  of(at: number, pts: number): number {
    return Number.isNaN(this.#baseline) ? 0 : Math.max(0, at - pts - this.#baseline);
  }
}
