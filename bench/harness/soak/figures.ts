import { median, quantile } from '../../../core/statistics.ts';
import type { Figure } from '../benchmark.ts';
import { FAULT_NAMES } from './faults.ts';
import type { HeapLook } from './memory-report.ts';
import { RECOVERED_WITHIN_S, type Recovery } from './recoveries.ts';
import { growthPerHour, type ProcessSample, type Role, type Sample, seriesOf } from './samples.ts';

/** What the first minutes take (compiled code, pools, the heap's first size) is no growth. */
const WARM_UP_MINUTES = 10;
const WINDOW_MINUTES = 5;
const MOST_GROWTH_MB = 1;
/** What is open in the least moment of five minutes differs by a few. */
const MOST_GROWTH_DESCRIPTORS = 10;
/** A shorter run has no slope to judge. */
export const LEAST_MINUTES = 30;

/** A short trial has a short warm-up and short windows, and says little. */
const scaled = (minutes: number): { readonly warmUp: number; readonly window: number } => ({
  warmUp: Math.min(WARM_UP_MINUTES, minutes / 4),
  window: Math.min(WINDOW_MINUTES, minutes / 10),
});

const MEMORIES = {
  'resident memory': ({ resident }) => resident,
  'of it its own': ({ anonymous }) => anonymous,
  'of it files': ({ ofFiles }) => ofFiles,
} as const satisfies Record<string, (process: ProcessSample) => number>;

export function memoryFigures(samples: readonly Sample[], role: Role, minutes: number): Figure[] {
  const { warmUp, window } = scaled(minutes);
  const warm = samples.filter(({ minute }) => minute >= warmUp);
  return Object.entries(MEMORIES).flatMap(([name, of]): Figure[] => {
    // The least of them where there are several for a moment: one that is being replaced.
    const series = seriesOf(warm, ({ processes }) => {
      const own = processes.filter((process) => process.role === role).map(of);
      return own.length === 0 ? undefined : Math.min(...own) / 1e6;
    });
    const last = series.at(-1)?.[1];
    if (last === undefined) return [];
    const limited = role === 'supervisor' && name === 'resident memory' && minutes >= LEAST_MINUTES;
    return [
      {
        subject: role,
        measure: `${name}, growth of the minima`,
        value: growthPerHour(series, window),
        unit: 'MB an hour',
        ...(limited ? { limit: { atMost: MOST_GROWTH_MB } } : {}),
      },
      { subject: role, measure: `${name}, at the end`, value: last, unit: 'MB' },
    ];
  });
}

/** What is alive on the heap, and beside it in Buffers. */
export function heapFigures(looks: readonly HeapLook[], minutes: number): Figure[] {
  const { warmUp, window } = scaled(minutes);
  const start = looks[0]?.at ?? 0;
  const parts: Readonly<Record<string, (look: HeapLook) => number>> = {
    'heap in use': ({ heapUsed }) => heapUsed,
    'heap reserved': ({ heapTotal }) => heapTotal,
    'outside of the heap': ({ external }) => external,
    'taken by V8 besides': ({ malloced }) => malloced,
  };
  return Object.entries(parts).map(([measure, of]): Figure => {
    const series = looks
      .map((look) => [(look.at - start) / 60_000, of(look) / 1e6] as const)
      .filter(([minute]) => minute >= warmUp);
    const value = growthPerHour(series, window);
    return { subject: 'supervisor', measure: `${measure}, growth of the minima`, value, unit: 'MB an hour' };
  });
}

export function processFigures(samples: readonly Sample[], minutes: number, mostChildren: number): Figure[] {
  const { warmUp, window } = scaled(minutes);
  const warm = samples.filter(({ minute }) => minute >= warmUp);
  const subject = 'supervisor';
  const descriptors = seriesOf(
    warm,
    ({ processes }) => processes.find(({ role }) => role === 'supervisor')?.descriptors,
  );
  const children = warm.map(({ processes }) => processes.length - 1);
  return [
    {
      ...{ subject, measure: 'open descriptors, growth of the minima', unit: 'an hour' },
      value: growthPerHour(descriptors, window),
      ...(minutes >= LEAST_MINUTES ? { limit: { atMost: MOST_GROWTH_DESCRIPTORS } } : {}),
    },
    { subject, measure: 'open descriptors, most', value: Math.max(...descriptors.map(([, n]) => n)), unit: '' },
    {
      ...{ subject: 'all', measure: 'children, most', unit: '' },
      value: Math.max(...children),
      limit: { atMost: mostChildren },
    },
  ];
}

function timesOf(subject: string, seconds: readonly number[]): Figure[] {
  if (seconds.length === 0) return [];
  const figure = (measure: string, value: number): Figure => ({ subject, measure, value, unit: 's' });
  return [
    { subject, measure: 'recoveries', value: seconds.length, unit: '' },
    figure('recovered after, median', median(seconds)),
    figure('recovered after, p95', quantile(seconds, 0.95)),
    { ...figure('recovered after, worst', Math.max(...seconds)), limit: { atMost: RECOVERED_WITHIN_S } },
  ];
}

export const recoveryFigures = (recoveries: readonly Recovery[]): Figure[] => [
  ...timesOf(
    'all faults',
    recoveries.map(({ seconds }) => seconds),
  ),
  ...FAULT_NAMES.flatMap((name) =>
    timesOf(
      name,
      recoveries.flatMap(({ fault, seconds }) => (fault === name ? [seconds] : [])),
    ),
  ),
];
