import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../core/random.ts';
import type { Listener } from '../site/listener.ts';
import { LoopbackCamera } from '../site/loopback-camera.ts';

/** What happens to a camera, and what ends it; absent where nothing has to. */
interface Fault {
  readonly name: string;
  breakIt(camera: FlappingCamera): Promise<void> | void;
  mend?(camera: FlappingCamera): Promise<void> | void;
}

const FAULTS: readonly Fault[] = [
  { name: 'camera off', breakIt: (camera) => camera.off(), mend: (camera) => camera.on() },
  { name: 'frozen', breakIt: ({ server }) => server.faults.freeze(), mend: ({ server }) => server.faults.clear() },
  { name: 'mute', breakIt: ({ server }) => server.faults.mute(), mend: ({ server }) => server.faults.clear() },
  { name: 'connection dropped', breakIt: ({ server }) => server.faults.drop() },
  {
    name: 'refusing',
    breakIt({ server }) {
      server.faults.refuse('close');
      server.faults.drop();
    },
    mend: ({ server }) => server.faults.clear(),
  },
];

export const FAULT_NAMES: readonly string[] = FAULTS.map(({ name }) => name);

/** How long a fault lasts, and how long the camera is well between two, s. */
const BROKEN_S = [3, 25] as const;
const WELL_S = [15, 60] as const;
/** A recovery that takes longer ends the soak: it is none. */
const TIMEOUT_MS = 180_000;

export interface Recovery {
  readonly fault: string;
  /** From the end of the fault to detections of a new frame, with the camera said to be live. */
  readonly seconds: number;
}

/** A loopback camera at one address that fails at random, by a seed, and comes back. */
export class FlappingCamera extends LoopbackCamera {
  readonly recoveries: Recovery[] = [];

  /** Breaks and mends until the signal aborts, which is heard between two faults. */
  async flap(listener: Listener, random: Random, until: AbortSignal): Promise<void> {
    const between = ([least, most]: readonly [number, number]): number =>
      1000 * (least + (most - least) * random.next());
    const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: until }).catch(() => undefined); // the end is no failure
    await recovered(listener, 0);
    while (!until.aborted) {
      await pause(between(WELL_S));
      if (until.aborted) return;
      const fault = FAULTS[random.below(FAULTS.length)]!;
      await fault.breakIt(this);
      if (fault.mend !== undefined) await pause(between(BROKEN_S));
      await fault.mend?.(this);
      const from = performance.now();
      await recovered(listener, Date.now());
      this.recoveries.push({ fault: fault.name, seconds: (performance.now() - from) / 1000 });
    }
  }
}

/** @param since ms since the epoch: a frame captured after it was analysed, and the camera is said to be live */
async function recovered(listener: Listener, since: number): Promise<void> {
  const within = (what: string) => ({ timeoutMs: TIMEOUT_MS, what });
  await listener.until('detections', ({ message }) => Date.parse(message.capturedAt) >= since, within('a new frame'));
  await listener.untilNow('camera-status', ({ message }) => message.state === 'live', within('the camera to be live'));
}
