/** From the start of ffmpeg on an idle machine to its first frame, beyond what the camera takes to answer. */
const STARTING_MS = 300;
const WINDOW_MS = 1000;
/** Frames that wait are worked off, or become more: a queue that changes by less in a second is none. */
const STEADY_MS = 100;
const STEADY_WINDOWS = 2;

/**
 * How late the first frames of a connection may be.
 *
 * Lag is measured above the least seen since connecting, and where the first frame waited already, the least is late as well. But times
 * in the stream count from its first packet, which came after the decoder was started: what `arrival - presentation time` is above
 * that moment is start or wait, and cannot be told apart until frames come as evenly as they were taken.
 */
export class StartLag {
  readonly #earliest: number;
  #least = Number.POSITIVE_INFINITY;
  #window: { readonly until: number; least: number } | undefined;
  #before = Number.NaN;
  #steady = 0;

  /**
   * @param startedAt of the decoder, ms
   * @param answerMs that the camera may take to answer its requests
   */
  constructor(startedAt: number, answerMs: number) {
    this.#earliest = startedAt + answerMs + STARTING_MS;
  }

  /** The first frame came, whose time is lost: it was taken when the stream began, or later. */
  first(at: number): void {
    if (this.#window === undefined) this.add(at, 0);
  }

  /** A frame came. `at` of the same clock, never falling; `pts` since the first packet, ms. */
  add(at: number, pts: number): void {
    const offset = at - pts;
    this.#least = Math.min(this.#least, offset);
    const window = this.#window;
    if (window !== undefined && at < window.until) {
      window.least = Math.min(window.least, offset);
      return;
    }
    if (window !== undefined) {
      this.#steady = Math.abs(window.least - this.#before) < STEADY_MS ? this.#steady + 1 : 0;
      this.#before = window.least;
    }
    this.#window = { until: at + WINDOW_MS, least: offset };
  }

  /** ms that frames may be late beyond the lag that is measured; 0 before the first, and once frames have come evenly. */
  get possibleMs(): number {
    if (this.#steady >= STEADY_WINDOWS || this.#least === Number.POSITIVE_INFINITY) return 0;
    return Math.max(0, this.#least - this.#earliest);
  }
}
