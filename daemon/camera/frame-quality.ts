import { Timeliness } from './timing/timeliness.ts';
import type { CameraReason } from './types.ts';
import { ViewCheck } from './view/view.ts';

/** How often it is asked whether frames are of now, and what they show. */
const REVIEW_EVERY_MS = 250;

/** What the frames of a camera are worth: whether they are of now, can be dated, and show the street. Outlives connections. */
export class FrameQuality {
  readonly timeliness: Timeliness;
  readonly view = new ViewCheck();
  #concerns: readonly CameraReason[] = [];
  #reviewedAt = 0;
  /** The decoder is being replaced because timestamps cannot be used. */
  #becauseOfTime = false;

  constructor(maxLagMs: number) {
    this.timeliness = new Timeliness(maxLagMs);
  }

  /** What a reader must know of the frames, as of the last review. */
  get concerns(): readonly CameraReason[] {
    return this.#concerns;
  }

  /** A new connection. */
  begin(): void {
    this.timeliness.begin(this.#becauseOfTime);
    this.#becauseOfTime = false;
  }

  isTimeToReview(now: number): boolean {
    return now - this.#reviewedAt >= REVIEW_EVERY_MS;
  }

  /** @returns why the decoder has to be replaced although it works; `changed` where what is wrong is another than before */
  review(now: number): CameraReason | 'changed' | undefined {
    this.#reviewedAt = now;
    const before = this.timeliness.clock;
    const demand = this.timeliness.demand(now);
    if (demand !== undefined) {
      this.#becauseOfTime = this.timeliness.clock !== before;
      return demand;
    }
    const concerns = [this.view.concern, this.timeliness.concern(now)].filter((each) => each !== undefined);
    const known = this.#concerns;
    this.#concerns = concerns;
    const changed =
      concerns.length !== known.length || concerns.some(({ message }, i) => message !== known[i]?.message);
    return changed ? 'changed' : undefined;
  }
}
