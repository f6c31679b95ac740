import type { CameraReason } from '../types.ts';
import { DriftEstimator } from './drift.ts';
import { afterCalm, afterLag, type Economy, type Effort, FULL_EFFORT, TOLD_MS } from './economy.ts';
import { LagMeter } from './lag.ts';
import { StartLag } from './start.ts';
import { TimestampCheck } from './timestamps.ts';

/** Whose clock selects frames and says how old they are. */
export type FrameClock = 'camera' | 'arrival';

/** Longer than the burst after a short pause of the network or the decoder, which makes up for itself. */
const ENDURED_MS = 1000;
const CATCHING_UP_MS = 5000;
/**
 * Of the limit, from which frames are called late: a reader is to know before they are 3 s old, and what they waited before the first
 * one was seen is known as what it may be.
 */
const SAID_FROM = 0.7;
/** Of each second: a backlog that shrinks faster is being worked off. */
const CATCHING_UP = 0.5;

/**
 * Whether frames are of now: how far they are behind the camera, whether their times can be believed, and what a decoder should be asked
 * for. Outlives connections; has no clock of its own.
 */
export class Timeliness {
  readonly #limitMs: number;
  readonly #drift = new DriftEstimator();
  #meter = new LagMeter(this.#drift);
  #timestamps = new TimestampCheck();
  #effort: Effort = FULL_EFFORT;
  #clock: FrameClock = 'camera';
  #wrong = '';
  #lagMs: number | null = null;
  #start: StartLag | undefined;
  #over: { readonly since: number; readonly lagMs: number } | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  get economy(): Economy {
    return this.#effort.economy;
  }

  get clock(): FrameClock {
    return this.#clock;
  }

  /** ms that the last frame was behind the camera when it came; null while that is not known. */
  get lagMs(): number | null {
    return this.#lagMs;
  }

  /** A new connection. One that was not made because of the timestamps may have better ones. */
  begin(becauseOfTime: boolean): void {
    if (!becauseOfTime) this.#clock = 'camera';
    this.#meter = new LagMeter(this.#drift);
    this.#timestamps = new TimestampCheck();
    this.#lagMs = null;
    this.#over = undefined;
    this.#start = undefined;
  }

  /** A decoder that tells times is started now for this connection. @param answerMs that its camera may take to answer its requests */
  started(at: number, answerMs: number): void {
    this.#start = new StartLag(at, answerMs);
  }

  /**
   * A frame came from the decoder.
   *
   * @param ptsMs by the camera's clock; NaN where the stream has no time, undefined where the decoder does not tell
   */
  received(at: number, ptsMs: number | undefined): void {
    if (ptsMs === undefined && this.#start !== undefined) {
      this.#start.first(at);
      this.#meter.first(at);
    }
    if (ptsMs === undefined || this.#clock === 'arrival') return;
    this.#timestamps.add(at, ptsMs);
    if (Number.isNaN(ptsMs) || this.#timestamps.verdict !== 'sound') return;
    this.#lagMs = this.#meter.add(at, ptsMs);
    this.#start?.add(at, ptsMs);
    if (this.#lagMs <= this.#limitMs) this.#over = undefined;
    else this.#over ??= { since: at, lagMs: this.#lagMs };
  }

  /** ms that a frame is behind the camera; null where that is not known. */
  lagOf(at: number, ptsMs: number | undefined): number | null {
    if (ptsMs === undefined || Number.isNaN(ptsMs) || this.#lagMs === null) return null;
    return this.#meter.of(at, ptsMs);
  }

  /** Why the decoder is to be started anew with what `economy` and `clock` now say; undefined where it is not. */
  demand(now: number): CameraReason | undefined {
    const { verdict } = this.#timestamps;
    if (this.#clock === 'camera' && verdict !== 'sound') {
      this.#clock = 'arrival';
      this.#wrong = verdict === 'still' ? 'stand still' : 'run ahead of time';
      return this.#wrongTime();
    }
    if (this.#over !== undefined && this.#endured(this.#over, now)) {
      const lagMs = Math.round(this.#lagMs ?? 0);
      this.#effort = afterLag(this.#effort, now);
      this.#over = undefined;
      return behind(`frames were ${lagMs} ms behind the camera: the decoder is started anew`);
    }
    const more = afterCalm(this.#effort, now);
    if (more === undefined) return undefined;
    this.#effort = more;
    return behind('the decoder kept up for long enough: more frames are tried');
  }

  /** What a reader must know of the frames that are published; in words that stay the same while the matter does. */
  concern(now: number): CameraReason | undefined {
    if (this.#clock === 'arrival') return this.#wrongTime();
    const saidFrom = Math.round(SAID_FROM * this.#limitMs);
    if (this.#over !== undefined || (this.#lagMs ?? 0) > saidFrom) {
      return behind(`frames are more than ${saidFrom} ms behind the camera`);
    }
    if ((this.#lagMs ?? 0) + (this.#start?.possibleMs ?? 0) > saidFrom) {
      return behind(`frames may be more than ${saidFrom} ms behind the camera: the decoder took long to start`);
    }
    const { economy, behindAt, futile } = this.#effort;
    if (economy === 'keyframes') return behind('the decoder is too slow for this stream: keyframes only');
    if (economy === 'fewer') return behind('the decoder is too slow for this stream: fewer frames are asked for');
    if (behindAt === undefined || now - behindAt > TOLD_MS) return undefined;
    const cause = futile
      ? ': not for want of computing time; the network is too thin or the clock of the camera runs slow'
      : '';
    return behind(`frames fell behind by more than ${this.#limitMs} ms and the decoder was started anew${cause}`);
  }

  #endured(over: { readonly since: number; readonly lagMs: number }, now: number): boolean {
    const passed = now - over.since;
    const shrunk = over.lagMs - (this.#lagMs ?? 0);
    const catchingUp = shrunk > CATCHING_UP * passed && passed < CATCHING_UP_MS;
    return passed >= ENDURED_MS && !catchingUp;
  }

  #wrongTime(): CameraReason {
    return {
      code: 'CAMERA_CLOCK',
      message: `the timestamps of the camera ${this.#wrong}: the time of arrival is used, and lag cannot be seen`,
    };
  }
}

const behind = (message: string): CameraReason => ({ code: 'CAMERA_BEHIND', message });
