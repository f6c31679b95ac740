import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { seededRandom } from '../../../core/random.ts';
import { median } from '../../../core/statistics.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import type { Listener } from '../../harness/site/listener.ts';
import { freePort } from '../../harness/site/ports.ts';
import { startSite } from '../../harness/site/site.ts';
import { FAULT_NAMES, FlappingCamera, type Recovery } from '../../harness/soak/flapping-camera.ts';
import { growthPerHour, type Role, type Sample, sampleTree, seriesOf } from '../../harness/soak/samples.ts';
import type { Workplace } from '../../harness/workplace.ts';

const CAMERAS = 3;
/** Frames analysed a second, of each camera. */
const RATE = 5;
const SEED = 1;
const SAMPLE_MS = 10_000;
/** What the first minutes take (compiled code, pools, the heap's first size) is no growth. */
const WARM_UP_MINUTES = 10;
const WINDOW_MINUTES = 5;
const MOST_GROWTH_MB = 1;
const RECOVERED_WITHIN_S = 60;

type Memory = 'resident' | 'proportional';

const megabytes = (sample: Sample, role: Role | undefined, memory: Memory): number | undefined => {
  const own = sample.processes.filter((process) => role === undefined || process.role === role);
  return own.length === 0 ? undefined : own.reduce((sum, process) => sum + process[memory], 0) / 1e6;
};

/** A short trial has a short warm-up and short windows, and says little. */
const scaled = (minutes: number): { readonly warmUp: number; readonly window: number } => ({
  warmUp: Math.min(WARM_UP_MINUTES, minutes / 4),
  window: Math.min(WINDOW_MINUTES, minutes / 10),
});

function memoryFigures(samples: readonly Sample[], role: Role, minutes: number): Figure[] {
  const { warmUp, window } = scaled(minutes);
  const warm = samples.filter(({ minute }) => minute >= warmUp);
  return (['resident', 'proportional'] as const).flatMap((memory): Figure[] => {
    const series = seriesOf(warm, (sample) => megabytes(sample, role, memory));
    const last = series.at(-1)?.[1];
    if (last === undefined) return [];
    return [
      {
        subject: role,
        measure: `${memory} memory, growth of the minima`,
        value: growthPerHour(series, window),
        unit: 'MB an hour',
        ...(memory === 'resident' ? { limit: { atMost: MOST_GROWTH_MB } } : {}),
      },
      { subject: role, measure: `${memory} memory, at the end`, value: last, unit: 'MB' },
    ];
  });
}

function processFigures(samples: readonly Sample[], minutes: number): Figure[] {
  const { warmUp, window } = scaled(minutes);
  const warm = samples.filter(({ minute }) => minute >= warmUp);
  const descriptors = seriesOf(
    warm,
    ({ processes }) => processes.find(({ role }) => role === 'supervisor')?.descriptors,
  );
  const children = warm.map(({ processes }) => processes.length - 1);
  return [
    {
      subject: 'supervisor',
      measure: 'open descriptors, growth of the minima',
      value: growthPerHour(descriptors, window),
      unit: 'an hour',
    },
    {
      subject: 'supervisor',
      measure: 'open descriptors, most',
      value: Math.max(...descriptors.map(([, n]) => n)),
      unit: '',
    },
    // Each camera has a decoder, or is looking for one; one inference process serves all.
    {
      subject: 'all',
      measure: 'children, most',
      value: Math.max(...children),
      unit: '',
      limit: { atMost: CAMERAS + 1 },
    },
  ];
}

function recoveryFigures(recoveries: readonly Recovery[]): Figure[] {
  return FAULT_NAMES.flatMap((fault): Figure[] => {
    const seconds = recoveries.flatMap((recovery) => (recovery.fault === fault ? [recovery.seconds] : []));
    if (seconds.length === 0) return [];
    return [
      { subject: fault, measure: 'recoveries', value: seconds.length, unit: '' },
      { subject: fault, measure: 'recovered after, median', value: median(seconds), unit: 's' },
      {
        subject: fault,
        measure: 'recovered after, worst',
        value: Math.max(...seconds),
        unit: 's',
        limit: { atMost: RECOVERED_WITHIN_S },
      },
    ];
  });
}

async function soakFor(minutes: number, cameras: readonly FlappingCamera[], place: Workplace): Promise<Figure[]> {
  const [first, ...others] = cameras.map(({ server }) => ({ url: server.url, rate: RATE }));
  const site = await startSite({
    folder: join(place.scratch, 'site'),
    model: join(PACKAGE_ROOT, 'demo', 'package'),
    camera: first ?? { url: '' },
    others,
  });
  const ended = new AbortController();
  const stop = (): void => ended.abort();
  place.signal.addEventListener('abort', stop, { once: true });
  try {
    const sampling = sampleTree(site.daemon.pid, SAMPLE_MS, ended.signal);
    const listeners: readonly Listener[] = site.listeners;
    const flapping = cameras.map((camera, i) => camera.flap(listeners[i]!, seededRandom(SEED + i), ended.signal));
    const over = delay(minutes * 60_000, undefined, { signal: ended.signal }).then(stop, () => undefined);
    await Promise.all([over, ...flapping]).finally(stop);
    const samples = await sampling;
    place.signal.throwIfAborted();
    const roles: readonly Role[] = ['supervisor', 'inference'];
    return [
      { subject: 'all', measure: 'length of the run', value: minutes, unit: 'min' },
      ...roles.flatMap((role) => memoryFigures(samples, role, minutes)),
      ...processFigures(samples, minutes),
      ...recoveryFigures(cameras.flatMap(({ recoveries }) => recoveries)),
    ];
  } finally {
    place.signal.removeEventListener('abort', stop);
    await site.close();
  }
}

export const soak: Benchmark = {
  name: 'soak',
  title: 'Cameras that come and go, for more than an hour',
  method:
    `One daemon, mosquitto and ${CAMERAS} loopback cameras, each analysed ${RATE} times a second by the demonstration's model. At random times, by a seed, a camera is switched off, ` +
    'freezes, falls mute, drops the connection or turns the daemon away, for 3 to 25 s, and is well for 15 to 60 s between. Every 10 s the memory of each process of the daemon is read from `/proc`: ' +
    'resident, and proportional (shared pages divided among those that share them). Growth is the slope of the five-minute minima after ten minutes of warm-up: what is held, without what waits to be collected. ' +
    'Recovered is the time from the end of a fault until detections of a new frame arrive and `camera/+/status` says live.',
  layout: 'list',
  needs: ['shared-data', 'ffmpeg', 'mosquitto'],
  minutes: 75,
  async run(place) {
    const clip = join(place.data, 'video', 'vct-input-video.mp4');
    const cameras: FlappingCamera[] = [];
    try {
      for (let i = 0; i < CAMERAS; i++) {
        const camera = new FlappingCamera(clip, await freePort());
        cameras.push(camera);
        await camera.on();
      }
      const figures = await soakFor(place.minutes, cameras, place);
      const short = place.minutes < 30 ? ['too short for a slope: warm-up and windows were shortened with it'] : [];
      return { figures, notes: short };
    } finally {
      for (const camera of cameras) await camera.off();
    }
  },
};
