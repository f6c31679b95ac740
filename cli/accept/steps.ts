import { type Interval, mapped, pairedDifference, wilson } from '../../core/intervals.ts';
import { type CountAccuracy, geh } from '../count/accuracy.ts';
import type { Step, Verdict } from './verdict.ts';

/** A clip that was counted, beside its hand count. */
export interface JudgedClip extends Pick<Verdict['clips'][number], 'light' | 'weather'> {
  readonly name: string;
  /** Lines of one name are the same line in clips of one view. */
  readonly view: string;
  readonly seconds: number;
  readonly accuracy: CountAccuracy;
}

type Conditions = Pick<JudgedClip, 'light' | 'weather'>;

/** What a step found. */
interface Finding {
  readonly seen: string;
  readonly truth: number;
  /** Undefined where there is nothing to judge by. */
  readonly error?: number | undefined;
  readonly interval?: Interval;
  readonly method?: 'wilson' | 'exact';
}

interface StepPlan {
  readonly name: string;
  readonly title: string;
  /** Which clips it is judged by. */
  readonly shows: (conditions: Conditions) => boolean;
  readonly asked: (limit: number) => string;
  /** @default the limit of the acceptance */
  readonly limit?: number;
  readonly judge: (clips: readonly JudgedClip[]) => Finding;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

interface Numbers {
  readonly truth: number;
  readonly missed: number;
  readonly false: number;
  readonly wrongClass: number;
}

export function sumOf(all: readonly Numbers[]): Numbers {
  const sum = (of: (each: Numbers) => number): number => all.reduce((total, each) => total + of(each), 0);
  return {
    truth: sum((each) => each.truth),
    missed: sum((each) => each.missed),
    false: sum((each) => each.false),
    wrongClass: sum((each) => each.wrongClass),
  };
}

const numbersOf = (clips: readonly JudgedClip[]): Numbers => sumOf(clips.map(({ accuracy }) => accuracy));

/** What nobody passed and was counted cannot be told as a share: it is all of it. */
const NOTHING: Finding = { seen: 'nothing crossed a line', truth: 0 };
const phantoms = (count: number): Finding => ({ seen: `${count} counted where nothing passed`, truth: 0, error: 1 });

/**
 * Counted less by hand, as a share of the hand count. Of all crossings that either saw, the two are paired: the interval is that of a paired
 * difference, in shares of the hand count.
 */
function netError({ truth, missed, false: wrong }: Numbers): Finding {
  if (truth === 0) return wrong === 0 ? NOTHING : phantoms(wrong);
  const total = truth + wrong;
  const interval = mapped(pairedDifference({ lost: missed, won: wrong, total }), (value) => (value * total) / truth);
  const net = (wrong - missed) / truth;
  const seen = `${truth - missed + wrong} counted, ${truth} by hand: ${net > 0 ? '+' : ''}${percent(net)}`;
  return { seen, truth, error: Math.abs(net), interval, method: 'exact' };
}

/** Errors among all crossings that either saw (Wilson), as a share of the hand count. */
function errorShare(numbers: Numbers, withClass: boolean): Finding & { readonly truth: number } {
  const { truth, missed, false: wrong, wrongClass } = numbers;
  if (truth === 0) return wrong === 0 ? NOTHING : phantoms(wrong);
  const total = truth + wrong;
  const errors = missed + wrong + (withClass ? wrongClass : 0);
  const kinds = `${missed} missed, ${wrong} false${withClass ? `, ${wrongClass} in another class` : ''}`;
  const interval = mapped(wilson(errors, total), (value) => (value * total) / truth);
  return { seen: `${kinds} of ${truth}`, truth, error: errors / truth, interval, method: 'wilson' };
}

function classError({ truth, missed, wrongClass }: Numbers): Finding {
  const found = truth - missed;
  if (found === 0) return { seen: 'none was found', truth: 0 };
  const interval = wilson(wrongClass, found);
  return {
    seen: `${wrongClass} of ${found} found`,
    truth: found,
    error: wrongClass / found,
    interval,
    method: 'wilson',
  };
}

/** Of fewer crossings one alone is more than 5%. */
const LEAST_OF_FLOW = 20;

/** The flow that is furthest off; those of few crossings say nothing by themselves. */
function worstFlow(clips: readonly JudgedClip[]): Finding {
  const flows = new Map<string, Numbers[]>();
  for (const { view, accuracy } of clips)
    for (const flow of accuracy.directions) {
      const key = JSON.stringify([view, flow.line, flow.direction]);
      flows.set(key, [...(flows.get(key) ?? []), flow]);
    }
  const judged = [...flows].flatMap(([key, parts]) => {
    const sum = sumOf(parts);
    if (sum.truth < LEAST_OF_FLOW) return [];
    const [view, line, direction] = JSON.parse(key) as string[];
    const found = netError(sum);
    return [{ ...found, seen: `worst of ${flows.size}: ${[view, line, direction].join(' ').trim()}: ${found.seen}` }];
  });
  const [worst] = judged.sort((a, b) => (b.error ?? 0) - (a.error ?? 0));
  return worst ?? { seen: `no flow of ${LEAST_OF_FLOW} crossings or more`, truth: 0 };
}

/** GEH is of hourly volumes: clips of less than a quarter of an hour say nothing. */
const GEH_SECONDS = 900;
const GEH_LIMIT = 5;

function hourlyVolumes(clips: readonly JudgedClip[]): Finding {
  const flows = clips
    .filter(({ seconds }) => seconds >= GEH_SECONDS)
    .flatMap(({ seconds, accuracy }) =>
      accuracy.directions.map(({ counted, truth }) => ({
        truth,
        geh: geh((counted * 3600) / seconds, (truth * 3600) / seconds),
      })),
    );
  if (flows.length === 0) return { seen: 'no clip of 15 minutes or more in which anything passed', truth: 0 };
  const over = flows.filter((flow) => flow.geh >= GEH_LIMIT).length;
  return {
    seen: `${over} of ${flows.length} flows not below ${GEH_LIMIT}`,
    truth: flows.reduce((sum, { truth }) => sum + truth, 0),
    error: over / flows.length,
    interval: wilson(over, flows.length),
    method: 'wilson',
  };
}

/** What is not tagged was filmed in light and weather that nobody thought worth a word. */
const isFair = ({ light, weather }: Conditions): boolean =>
  (light === null || light === 'day') && (weather === null || weather === 'clear');
const isDark = ({ light, weather }: Conditions): boolean =>
  (light === 'dusk' || light === 'night') && (weather === null || weather === 'clear');

const atMost = (what: string) => (limit: number) => `${what} at most ${percent(limit)}`;
const inClasses = atMost('missed, false and in another class');
const everyError = (clips: readonly JudgedClip[]): Finding => errorShare(numbersOf(clips), true);

/**
 * Eight steps from a screening of volumes to classes in bad weather, each costlier to arrange than the one before, in the order of the
 * Virginia Transportation Research Council's acceptance of counting devices (26-R53, 2026), whose summary names their first and last, and
 * the limit. Those between are ours: flows, GEH on hourly volumes, single crossings, classes by light and weather.
 */
export const STEPS: readonly StepPlan[] = [
  {
    name: 'volume',
    title: 'Volume, by day in clear weather',
    shows: isFair,
    asked: atMost('counted less by hand'),
    judge: (clips) => netError(numbersOf(clips)),
  },
  {
    name: 'flows',
    title: 'Volume of every line and direction',
    shows: isFair,
    asked: (limit) => `counted less by hand at most ${percent(limit)}, from ${LEAST_OF_FLOW} crossings on`,
    judge: worstFlow,
  },
  {
    name: 'hourly-volume',
    title: 'Hourly volumes',
    shows: isFair,
    asked: () => `GEH below ${GEH_LIMIT} for 85 % of flows`,
    limit: 0.15,
    judge: hourlyVolumes,
  },
  {
    name: 'crossings',
    title: 'Single crossings, within a second',
    shows: isFair,
    asked: atMost('missed and false'),
    judge: (clips) => errorShare(numbersOf(clips), false),
  },
  {
    name: 'classes',
    title: 'Classes',
    shows: isFair,
    asked: atMost('in another class'),
    judge: (clips) => classError(numbersOf(clips)),
  },
  { name: 'night', title: 'Dusk and night', shows: isDark, asked: inClasses, judge: everyError },
  { name: 'rain', title: 'Rain', shows: ({ weather }) => weather === 'rain', asked: inClasses, judge: everyError },
  {
    name: 'severe-weather',
    title: 'Heavy rain, fog and snow',
    shows: ({ weather }) => weather === 'heavy-rain' || weather === 'fog' || weather === 'snow',
    asked: inClasses,
    judge: everyError,
  },
];

export interface Limits {
  /** Largest error, as a share. */
  readonly limit: number;
  /** Whether the whole interval has to be within the limit. */
  readonly certainty: boolean;
}

/** @param clips those that the step is about */
export function judged(plan: StepPlan, clips: readonly JudgedClip[], { limit: general, certainty }: Limits): Step {
  const limit = plan.limit ?? general;
  const { seen, truth, error, interval, method } =
    clips.length === 0 ? { seen: 'no clip shows it', truth: 0 } : plan.judge(clips);
  const certain =
    interval === undefined ? null : Math.max(Math.abs(interval.low), Math.abs(interval.high)) <= limit + ROUNDING;
  const within = error !== undefined && error <= limit + ROUNDING && (!certainty || certain === true);
  return {
    ...headOf(plan, general),
    seen,
    truth,
    status: error === undefined ? 'not-judged' : within ? 'passed' : 'failed',
    error: error ?? null,
    interval: interval ?? null,
    method: method ?? null,
    certain,
  };
}

/** 1 of 20 is 5%, whatever its binary fraction. */
const ROUNDING = 1e-9;

const headOf = ({ name, title, asked, limit }: StepPlan, general: number) => ({
  name,
  title,
  asked: asked(general),
  limit: limit ?? general,
});

export const notReached = (plan: StepPlan, general: number): Step => ({
  ...headOf(plan, general),
  seen: 'a step before it failed',
  status: 'not-reached',
  truth: 0,
  error: null,
  interval: null,
  method: null,
  certain: null,
});

/** Errors by light and weather, as the clips are tagged. */
export function conditionsOf(clips: readonly JudgedClip[]): Verdict['conditions'] {
  const groups = new Map<string, JudgedClip[]>();
  for (const clip of clips) {
    const key = JSON.stringify([clip.light, clip.weather]);
    groups.set(key, [...(groups.get(key) ?? []), clip]);
  }
  return [...groups.values()].map((all) => {
    const { light = null, weather = null } = all[0] ?? {};
    const numbers = numbersOf(all);
    const { error, interval } = errorShare(numbers, true);
    return { light, weather, ...numbers, error: error ?? null, interval: interval ?? null };
  });
}
