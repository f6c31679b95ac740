import type { RtspServer } from '../../../demo/rtsp/server.ts';
import type { Arrival } from './listener.ts';

/** One analysed frame: when its message arrived (ms of `performance.now()`) and how long after the camera sent the frame. */
interface FrameLatency {
  readonly at: number;
  readonly ms: number;
}

/** Frames whose time of sending is remembered: 40 s at 25 a second, far beyond any latency worth measuring. */
const REMEMBERED = 1000;

/**
 * Matches the messages of a box with the frames that the loopback camera sent, both in this process and by one clock.
 * A message names its frame by the time in the stream, which counts from the first frame sent to that connection.
 */
export class FrameLatencies {
  readonly #server: RtspServer;
  readonly #fps: number;
  readonly #sentAt = new Map<number, number>();
  readonly #firstFrames = new Map<number, number>();
  readonly latencies: FrameLatency[] = [];
  /** Messages that name a frame of which the camera knows nothing. */
  unmatched = 0;

  constructor(server: RtspServer, fps: number) {
    this.#server = server;
    this.#fps = fps;
    server.onFrameSent(({ index, at }) => {
      this.#sentAt.set(index, at);
      this.#sentAt.delete(index - REMEMBERED);
    });
  }

  hear({ at, message }: Arrival<'detections'>): void {
    const { connection, ptsSeconds } = message.frame;
    const first = this.#firstFrames.get(connection) ?? this.#server.sessions.at(-1)?.firstFrame;
    if (first !== undefined) this.#firstFrames.set(connection, first);
    const sent =
      first === undefined || ptsSeconds === null
        ? undefined
        : this.#sentAt.get(first + Math.round(ptsSeconds * this.#fps));
    if (sent === undefined) this.unmatched++;
    else this.latencies.push({ at, ms: at - sent });
  }

  /** ms of the messages that arrived in `[from, to)`, by this process' clock. */
  between(from: number, to: number): number[] {
    return this.latencies.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms);
  }
}
