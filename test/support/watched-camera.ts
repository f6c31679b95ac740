import { createLog } from '../../core/log.ts';
import { startCamera } from '../../daemon/camera/camera.ts';
import type { Camera, CameraOptions, CameraStatus, Frame } from '../../daemon/camera/types.ts';

/** A camera whose every frame is taken and whose events can be waited for. */
export interface WatchedCamera {
  readonly camera: Camera;
  readonly frames: readonly Frame[];
  readonly statuses: readonly CameraStatus[];
  /** Everything it logged. */
  readonly logged: () => string;
  /** Resolves with the ms it took until the condition held; looked at after every event and every 20 ms. */
  until(what: string, condition: (status: CameraStatus) => boolean, withinMs?: number): Promise<number>;
  /** Resolves when so many more frames were taken. */
  more(count: number): Promise<void>;
}

const QUICK = {
  rate: 0,
  workingSize: { shorterSide: 120 },
  backoff: { firstMs: 200, longestMs: 1000, refusedMs: 1000 },
} as const;

/** Starts a camera that retries fast, to be stopped with `camera.stop()`. */
export function watchCamera(options: Partial<CameraOptions> & Pick<CameraOptions, 'url'>): WatchedCamera {
  const frames: Frame[] = [];
  const statuses: CameraStatus[] = [];
  const log: string[] = [];
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const check of waiting) check();
  };
  const camera: Camera = startCamera(
    { id: 'test', ...QUICK, ...options },
    {
      log: createLog('test', { write: (line) => void log.push(line) }),
      onFrame: () => {
        const frame = camera.takeFrame();
        if (frame !== undefined) frames.push(frame);
        look();
      },
      onStatus: (status) => {
        statuses.push(status);
        look();
      },
    },
  );
  const until: WatchedCamera['until'] = (what, condition, withinMs = 30_000) =>
    new Promise((resolve, reject) => {
      const from = performance.now();
      const glance = setInterval(() => check(), 20);
      const end = (): void => {
        clearTimeout(timer);
        clearInterval(glance);
        waiting.delete(check);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`not ${what} within ${withinMs} ms: ${JSON.stringify(camera.status())}`));
      }, withinMs);
      const check = (): void => {
        if (!condition(camera.status())) return;
        end();
        resolve(performance.now() - from);
      };
      waiting.add(check);
      check();
    });
  return {
    camera,
    frames,
    statuses,
    logged: () => log.join(''),
    until,
    more: async (count) => {
      const enough = frames.length + count;
      await until(`${count} more frames`, () => frames.length >= enough);
    },
  };
}
