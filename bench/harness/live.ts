import { setTimeout as delay } from 'node:timers/promises';
import type { RtspServer } from '../../demo/rtsp/server.ts';
import { CLIP } from './clip.ts';
import type { FrameSize } from './process/bare.ts';
import { cpuSeconds, type ResidentProcess, residentTree } from './process/tree.ts';
import { FrameLatencies } from './site/frame-latency.ts';
import type { Site } from './site/site.ts';

/** The resident memory of every process of the daemon at one moment. */
interface MemorySample {
  /** Minutes since the first sample. */
  readonly minute: number;
  readonly processes: readonly ResidentProcess[];
}

/** What was seen of a daemon while it analysed a stream. */
export interface LiveRun {
  readonly analysed: number;
  readonly seconds: number;
  /** CPU seconds of all the daemon's processes, ended decoders included. */
  readonly cpuSeconds: number;
  /** ms, frame sent to message received, in order of arrival. */
  readonly latencies: readonly number[];
  /** The same, of the first and of the last minute (or half, if shorter). */
  readonly firstLatencies: readonly number[];
  readonly lastLatencies: readonly number[];
  readonly unmatched: number;
  readonly memory: readonly MemorySample[];
  /** Frames decoded and replaced by a newer one before they were analysed. */
  readonly dropped: number;
  /** The size the decoder scaled to. */
  readonly size: FrameSize;
}

/** The first seconds hold the start of the processes, the compiler's warm-up and the fill of the pools. */
const WARM_UP_MS = 10_000;
const MEMORY_EVERY_MS = 5000;
const START_TIMEOUT_MS = 60_000;

/** Watches a site, from its first detections on, for so many seconds after the warm-up. */
export async function watchLive(
  site: Site,
  server: RtspServer,
  seconds: number,
  signal: AbortSignal,
): Promise<LiveRun> {
  const { listener, daemon } = site;
  const latencies = new FrameLatencies(server, CLIP.fps);
  let analysed = 0;
  let dropped = 0;
  listener.on('detections', (arrival) => {
    analysed++;
    latencies.hear(arrival);
  });
  listener.on('camera-status', ({ message }) => {
    dropped = message.dropped;
  });
  const { message } = await listener.until('detections', () => true, {
    timeoutMs: START_TIMEOUT_MS,
    what: 'the first detections',
  });
  await delay(WARM_UP_MS, undefined, { signal });

  const from = performance.now();
  const before = { analysed, dropped, cpu: await cpuSeconds(daemon.pid) };
  const memory: MemorySample[] = [];
  const end = from + seconds * 1000;
  while (performance.now() < end) {
    memory.push({ minute: (performance.now() - from) / 60_000, processes: await residentTree(daemon.pid) });
    await delay(Math.max(1, Math.min(MEMORY_EVERY_MS, end - performance.now())), undefined, { signal });
  }
  const to = performance.now();
  const span = Math.min(60_000, (to - from) / 2);
  return {
    analysed: analysed - before.analysed,
    seconds: (to - from) / 1000,
    cpuSeconds: (await cpuSeconds(daemon.pid)) - before.cpu,
    latencies: latencies.between(from, to),
    firstLatencies: latencies.between(from, from + span),
    lastLatencies: latencies.between(to - span, to),
    unmatched: latencies.unmatched,
    memory,
    dropped: dropped - before.dropped,
    size: { width: message.frame.width, height: message.frame.height },
  };
}
