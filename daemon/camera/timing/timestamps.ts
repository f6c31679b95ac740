/**
 * - `sound`: they pass as time does, as far as can be told from frames that arrive
 * - `still`: frames come and the time of most does not move
 * - `fast`: their time passes faster than frames could have been taken
 */
type TimestampVerdict = 'sound' | 'still' | 'fast';

/** Frames that are closer together would come from a camera of 200 frames a second. */
const LEAST_STEP_MS = 5;
const STILL_MS = 2000;
const STILL_FRAMES = 8;
/** A camera may send seconds of the past at once when it is connected to, or after a pause; it cannot go on doing so. */
const FAST_MS = 15_000;
const FAST_WINDOWS = 2;
const LARGEST_GAIN = 1.1;

/**
 * Watches whether presentation times can be believed. A decoder that is too slow makes frames rarer and their times further apart;
 * times that hardly move while frames come are the camera's doing.
 */
export class TimestampCheck {
  #verdict: TimestampVerdict = 'sound';
  #still = { since: Number.NaN, frames: 0, unmoved: 0 };
  #speed = { since: Number.NaN, passed: 0, windows: 0 };
  #at = Number.NaN;
  #pts = Number.NaN;

  get verdict(): TimestampVerdict {
    return this.#verdict;
  }

  /**
   * @param at ms of a monotonic clock
   * @param pts presentation time, ms; NaN where the stream has none, which is a time that does not move
   */
  add(at: number, pts: number): void {
    if (!Number.isNaN(this.#at)) {
      this.#watchStill(at, pts - this.#pts);
      this.#watchFast(at, pts - this.#pts, at - this.#at);
    }
    [this.#at, this.#pts] = [at, pts];
  }

  #watchStill(at: number, step: number): void {
    if (Number.isNaN(this.#still.since)) this.#still.since = at;
    this.#still.frames++;
    if (!(Math.abs(step) >= LEAST_STEP_MS)) this.#still.unmoved++;
    if (at - this.#still.since < STILL_MS || this.#still.frames < STILL_FRAMES) return;
    if (this.#still.unmoved > this.#still.frames / 2) this.#verdict = 'still';
    this.#still = { since: at, frames: 0, unmoved: 0 };
  }

  #watchFast(at: number, step: number, elapsed: number): void {
    if (Number.isNaN(this.#speed.since)) this.#speed.since = at - elapsed;
    if (step > 0 && step < 1000 + 10 * elapsed) this.#speed.passed += step; // more is a jump, which is no speed
    const window = at - this.#speed.since;
    if (window < FAST_MS) return;
    const windows = this.#speed.passed > LARGEST_GAIN * window ? this.#speed.windows + 1 : 0;
    if (windows >= FAST_WINDOWS) this.#verdict = 'fast';
    this.#speed = { since: at, passed: 0, windows };
  }
}
