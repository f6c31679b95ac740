import type { DecodedFrame } from './decoder.ts';
import { FrameQuality } from './frame-quality.ts';
import { HeldImage } from './held-image.ts';
import { LatestFrame } from './latest-frame.ts';
import { RateMeter } from './rate-meter.ts';
import type { CameraStatus, Frame } from './types.ts';

type Figures = Pick<
  CameraStatus,
  | 'fpsIn'
  | 'fpsAnalysed'
  | 'received'
  | 'analysed'
  | 'dropped'
  | 'lastFrameAgeMs'
  | 'lagMs'
  | 'view'
  | 'viewSince'
  | 'concerns'
>;

/** What becomes of a camera's frames, from when they arrive until somebody takes the newest: counted, judged, dated. Outlives connections. */
export class FrameIntake {
  readonly quality: FrameQuality;
  readonly held = new HeldImage();
  readonly #latest = new LatestFrame();
  readonly #in = new RateMeter(performance.now());
  readonly #analysed = new RateMeter(performance.now());
  #received = 0;
  #lastFrameAt: number | undefined;

  constructor(maxLagMs: number) {
    this.quality = new FrameQuality(maxLagMs);
  }

  /** Memory for an image that is being decoded. */
  allocate(bytes: number): Uint8Array {
    return this.#latest.allocate(bytes);
  }

  /** A frame came from the camera, whether or not it is delivered. */
  received(now: number): void {
    this.#received++;
    this.#in.count(now);
    this.#lastFrameAt = now;
  }

  delivered(now: number, { width, height, data, firstByteAt, time }: DecodedFrame, connection: number): void {
    const { timeliness, view } = this.quality;
    this.held.over(now, { width, height, data });
    view.add(now, { width, height, data });
    const lagMs = timeliness.lagOf(firstByteAt, time.raw === null ? undefined : time.raw * 1000);
    const capturedAtWall = Date.now() - (now - firstByteAt) - (lagMs ?? 0);
    const ptsSeconds = timeliness.clock === 'arrival' ? null : time.sinceFirst;
    const { delivered: sequence } = this.#latest;
    const capturedAt = firstByteAt;
    this.#latest.put({ width, height, data, sequence, connection, capturedAt, capturedAtWall, lagMs, ptsSeconds });
  }

  take(now: number): Frame | undefined {
    const frame = this.#latest.take();
    if (frame !== undefined) this.#analysed.count(now);
    return frame;
  }

  giveBack(data: Uint8Array): void {
    this.#latest.giveBack(data);
  }

  /** @param live what frames are worth is known only of a camera that is */
  figures(now: number, live: boolean): Figures {
    const { timeliness, view, concerns } = this.quality;
    return {
      fpsIn: this.#in.perSecond(now),
      fpsAnalysed: this.#analysed.perSecond(now),
      received: this.#received,
      analysed: this.#latest.taken,
      dropped: this.#latest.dropped,
      lastFrameAgeMs: this.#lastFrameAt === undefined ? null : now - this.#lastFrameAt,
      lagMs: live ? timeliness.lagMs : null,
      view: live ? view.view : null,
      viewSince: live ? view.since : null,
      concerns: live ? concerns : [],
    };
  }
}
