import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compiledModule } from '../../core/layout.ts';
import type { RtspServer } from '../../demo/rtsp/server.ts';
import { BARE_FRAMES, type FrameSize } from './process/bare.ts';

interface Report {
  readonly cpuSeconds: number;
  readonly arrivals: readonly {
    readonly ptsSeconds: number | null;
    readonly capturedAtWall: number;
    readonly deliveredAtWall: number;
  }[];
}

/** The daemon's camera alone: from RTSP to a frame in memory. */
export interface CameraPath {
  /** CPU seconds of the reading process and its decoder over 1,000 frames. */
  readonly cpuSeconds: number;
  /** ms from the frame sent to its first byte in our process, and to its delivery. */
  readonly toFirstByte: readonly number[];
  readonly toFrame: readonly number[];
}

/** Has a process of its own, the only client, watch a stream for 1,000 frames; both sides tell the time by the machine's clock. */
export async function cameraPath(
  server: RtspServer,
  fps: number,
  size: FrameSize,
  signal: AbortSignal,
): Promise<CameraPath> {
  const sentAt = new Map<number, number>();
  let first: number | undefined;
  server.onFrameSent(({ index, at }) => {
    sentAt.set(index, performance.timeOrigin + at);
    first ??= server.sessions.at(-1)?.firstFrame;
  });
  const args = [
    compiledModule('bench/bare/camera'),
    server.url,
    String(size.width),
    String(size.height),
    String(BARE_FRAMES),
  ];
  // Not by runChild: its look at /proc every 20 ms costs a third of a processor, in the process that sends the frames.
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal, maxBuffer: 16 << 20 });
  const { cpuSeconds, arrivals } = JSON.parse(stdout) as Report;
  const timed = arrivals.flatMap(({ ptsSeconds, capturedAtWall, deliveredAtWall }) => {
    const sent = ptsSeconds === null ? undefined : sentAt.get((first ?? 0) + Math.round(ptsSeconds * fps));
    return sent === undefined ? [] : [{ toFirstByte: capturedAtWall - sent, toFrame: deliveredAtWall - sent }];
  });
  return { cpuSeconds, toFirstByte: timed.map((each) => each.toFirstByte), toFrame: timed.map((each) => each.toFrame) };
}
