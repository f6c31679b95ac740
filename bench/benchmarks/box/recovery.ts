import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { findBelow } from '../../harness/process/arguments.ts';
import type { Arrival } from '../../harness/site/listener.ts';
import { LoopbackCamera } from '../../harness/site/loopback-camera.ts';
import { freePort } from '../../harness/site/ports.ts';
import { type Site, startSite } from '../../harness/site/site.ts';
import type { Workplace } from '../../harness/workplace.ts';

const CREDENTIALS = { username: 'operator', password: 'bench-right' };
const OTHER_CREDENTIALS = { username: 'operator', password: 'bench-other' };
/** A fault that is not noticed, or not recovered from, within this time ends the benchmark: no recovery is no figure. */
const TIMEOUT_MS = 120_000;
const RECOVERED_WITHIN_S = 60;

interface Scene {
  readonly camera: LoopbackCamera;
  readonly site: Site;
}

/** A way to break something, how it shows over MQTT, and how it is put right; absent where the daemon has to do that itself. */
interface Fault {
  readonly name: string;
  breakIt(scene: Scene): Promise<void>;
  noticed?(scene: Scene): Promise<unknown>;
  mend?(scene: Scene): Promise<void>;
}

const within = (what: string): { readonly timeoutMs: number; readonly what: string } => ({
  timeoutMs: TIMEOUT_MS,
  what,
});

const cameraIs = ({ site }: Scene, states: readonly string[]): Promise<unknown> =>
  site.listener.until(
    'camera-status',
    ({ message, retained }) => !retained && states.includes(message.state),
    within(`the camera to be ${states.join(' or ')}`),
  );

const notLive = (scene: Scene): Promise<unknown> => cameraIs(scene, ['stalled', 'connecting', 'refused']);

const stateIs = ({ site }: Scene, state: string): Promise<unknown> =>
  site.listener.until('state', ({ message }) => message.state === state, within(`the box to be ${state}`));

async function killProcess({ site }: Scene, part: string): Promise<void> {
  const pid = await findBelow(site.daemon.pid, part);
  if (pid === undefined) throw new Error(`no process of the daemon runs ${part}`);
  process.kill(pid, 'SIGKILL');
}

const FAULTS: readonly Fault[] = [
  {
    name: 'camera killed, then started again',
    breakIt: ({ camera }) => camera.off(),
    noticed: notLive,
    mend: ({ camera }) => camera.on(CREDENTIALS),
  },
  {
    name: 'camera frozen (socket open, no data), then thawed',
    breakIt: async ({ camera }) => camera.server.faults.freeze(),
    noticed: notLive,
    mend: async ({ camera }) => camera.server.faults.clear(),
  },
  {
    name: 'camera mute (sender reports go on), then speaking',
    breakIt: async ({ camera }) => camera.server.faults.mute(),
    noticed: notLive,
    mend: async ({ camera }) => camera.server.faults.clear(),
  },
  {
    name: 'camera restarted at once',
    async breakIt({ camera }) {
      await camera.off();
      await camera.on(CREDENTIALS);
    },
    noticed: notLive,
  },
  {
    name: 'password changed on the camera, then changed back',
    async breakIt({ camera }) {
      await camera.off();
      await camera.on(OTHER_CREDENTIALS);
    },
    noticed: (scene) => cameraIs(scene, ['refused']),
    async mend({ camera }) {
      await camera.off();
      await camera.on(CREDENTIALS);
    },
  },
  { name: 'decoder killed (SIGKILL)', breakIt: (scene) => killProcess(scene, 'ffmpeg'), noticed: notLive },
  {
    name: 'inference process killed (SIGKILL)',
    breakIt: (scene) => killProcess(scene, 'daemon/inference/process'),
    noticed: (scene) => stateIs(scene, 'degraded'),
  },
  {
    name: 'broker stopped, then started again',
    breakIt: ({ site }) => site.broker.stop(),
    mend: ({ site }) => site.broker.start(),
  },
];

/** A stream that lived for 10 s starts the series of waiting times anew (daemon/camera/types.ts): each fault is judged by itself. */
const SETTLED_MS = 12_000;

async function settled({ site: { listener } }: Scene): Promise<void> {
  await listener.until(
    'camera-status',
    ({ message }) =>
      message.state === 'live' && Date.parse(message.publishedAt) - Date.parse(message.since) >= SETTLED_MS,
    within('a steady stream'),
  );
}

/** All is well: a frame captured after `since` (ms since the epoch) was analysed, and the box says so of the camera and of itself. */
async function recovered({ site: { listener } }: Scene, since: number): Promise<void> {
  const captured = ({ message }: Arrival<'detections'>): boolean => Date.parse(message.capturedAt) >= since;
  await listener.until('detections', captured, within('detections of a new frame'));
  await listener.untilNow('camera-status', ({ message }) => message.state === 'live', within('the camera to be live'));
  await listener.untilNow('state', ({ message }) => message.state === 'online', within('the box to be online'));
}

/** Seconds until the fault shows, and from the repair (or from the fault, where nothing is repaired) until all is well. */
async function measure(fault: Fault, scene: Scene): Promise<Figure[]> {
  const subject = fault.name;
  const figures: Figure[] = [];
  let from = performance.now();
  const noticed = fault.noticed?.(scene).then(() => performance.now());
  await fault.breakIt(scene);
  if (noticed !== undefined) {
    figures.push({ subject, measure: 'noticed after', value: ((await noticed) - from) / 1000, unit: 's' });
  }
  if (fault.mend !== undefined) {
    await fault.mend(scene);
    from = performance.now();
  }
  await recovered(scene, Date.now());
  const value = (performance.now() - from) / 1000;
  return [...figures, { subject, measure: 'recovered after', value, unit: 's', limit: { atMost: RECOVERED_WITHIN_S } }];
}

async function withScene<T>(place: Workplace, use: (scene: Scene) => Promise<T>): Promise<T> {
  const port = await freePort();
  const camera = new LoopbackCamera(join(place.data, 'video', 'vct-input-video.mp4'), port);
  await camera.on(CREDENTIALS);
  try {
    const site = await startSite({
      folder: join(place.scratch, 'site'),
      model: join(PACKAGE_ROOT, 'demo', 'package'),
      camera: {
        url: camera.server.url,
        rate: 10,
        username: CREDENTIALS.username,
        passwordEnv: 'BENCH_CAMERA_PASSWORD',
      },
      telemetrySeconds: 1,
      env: { BENCH_CAMERA_PASSWORD: CREDENTIALS.password },
    });
    try {
      return await use({ camera, site });
    } finally {
      await site.close();
    }
  } finally {
    await camera.off();
  }
}

export const recovery: Benchmark = {
  name: 'recovery',
  title: 'What breaks at a roadside, and how long until it works again',
  method:
    'One daemon, one loopback camera, mosquitto. Each fault is caused in turn. Noticed is the time until `camera/+/status` or `state` says so; ' +
    'recovered the time from the repair (from the fault itself, where nothing outside the daemon is repaired) until `camera/+/status` says live again and ' +
    'detections of a new frame arrive. After a refused password the daemon waits on purpose: cameras lock accounts that hammer.',
  layout: 'grid',
  headlines: [
    {
      subject: 'camera killed, then started again',
      measure: 'recovered after',
      says: 'a camera that was dead is seen again after',
    },
  ],
  needs: ['shared-data', 'ffmpeg', 'mosquitto'],
  run: (place) =>
    withScene(place, async (scene) => {
      const figures: Figure[] = [];
      for (const fault of FAULTS) {
        await settled(scene);
        place.say(fault.name);
        figures.push(...(await measure(fault, scene)));
        place.signal.throwIfAborted();
      }
      return { figures, notes: [] };
    }),
};
