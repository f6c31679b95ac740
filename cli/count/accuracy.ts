import { type Interval, wilson } from '../../core/intervals.ts';
import { assign } from '../../daemon/vision/assignment.ts';
import type { Crossing } from '../../daemon/vision/line-counter.ts';
import type { HandCrossing } from './hand-count.ts';

/** Crossings further apart than this are two, s. */
const TOLERANCE_SECONDS = 1;
/** GEH is for hourly volumes: scaled from less than a quarter of an hour it says nothing. */
const GEH_SECONDS = 900;
/** Segments of the cumulative counts that nwRMSE weighs. */
const SEGMENTS = 20;

interface FlowAccuracy {
  readonly line: string;
  readonly direction: string;
  readonly class: string;
  /** By hand, contested ones included. */
  readonly truth: number;
  readonly counted: number;
  /** On hourly volumes; null below 15 minutes. */
  readonly geh: number | null;
  /** 1 for a perfect count, 0 for one that is off by as much as there is; null where nothing crossed. */
  readonly nwRmse: number | null;
}

export interface CountAccuracy {
  /** By hand, contested ones apart. */
  readonly truth: number;
  readonly contested: number;
  readonly counted: number;
  readonly matched: number;
  readonly missed: number;
  /** Counted, and neither by hand nor contested. */
  readonly false: number;
  /** Missed and false as a share of the hand count; null where that is empty. */
  readonly error: number | null;
  /** 95%, of what was missed; null where the hand count is empty. */
  readonly missedShare: Interval | null;
  /** Matched, in another class than by hand. */
  readonly wrongClass: number;
  readonly flows: readonly FlowAccuracy[];
}

/**
 * Sets a count beside a hand count: crossings of one line and direction are the same within a second of each other, as many as can be
 * paired, those nearest in time. Where the hand count knows no time, numbers alone are compared.
 *
 * @param seconds of the video
 */
export function countAccuracy(
  crossings: readonly Crossing[],
  truth: readonly HandCrossing[],
  { classes, seconds }: { readonly classes: readonly string[]; readonly seconds: number },
): CountAccuracy {
  const pairs = pairsOf(crossings, truth, classes);
  const certain = truth.filter(({ contested }) => !contested);
  const matched = pairs.filter(({ hand }) => !hand.contested);
  const missed = certain.length - matched.length;
  const wrong = crossings.length - pairs.length;
  return {
    truth: certain.length,
    contested: truth.length - certain.length,
    counted: crossings.length,
    matched: matched.length,
    missed,
    false: wrong,
    error: certain.length === 0 ? null : (missed + wrong) / certain.length,
    missedShare: certain.length === 0 ? null : wilson(missed, certain.length),
    wrongClass: matched.filter(({ hand, counted }) => !isOfClass(counted, hand, classes)).length,
    flows: flowsOf(crossings, truth, classes, seconds),
  };
}

interface CrossingPair {
  readonly hand: HandCrossing;
  readonly counted: Crossing;
}

const isOfClass = ({ classIndex }: Crossing, hand: HandCrossing, classes: readonly string[]): boolean =>
  [hand.class, ...hand.classAlternatives].includes(classes[classIndex] ?? '');

function pairsOf(
  crossings: readonly Crossing[],
  truth: readonly HandCrossing[],
  classes: readonly string[],
): CrossingPair[] {
  const costs = truth.map((hand) =>
    crossings.map((each) => {
      if (each.line !== hand.line || each.direction !== hand.direction) return Number.POSITIVE_INFINITY;
      const apart = hand.t === undefined || hand.t === null ? TOLERANCE_SECONDS : Math.abs(each.time - hand.t);
      // The class and a doubt decide between pairs that are as good in time, to a tenth of a second.
      const doubt = (hand.contested ? 0.1 : 0) + (isOfClass(each, hand, classes) ? 0 : 0.1);
      return apart <= TOLERANCE_SECONDS ? apart + doubt : Number.POSITIVE_INFINITY;
    }),
  );
  return assign(costs).flatMap((column, row) => {
    const [hand, counted] = [truth[row], crossings[column]];
    return hand === undefined || counted === undefined ? [] : [{ hand, counted }];
  });
}

function flowsOf(
  crossings: readonly Crossing[],
  truth: readonly HandCrossing[],
  classes: readonly string[],
  seconds: number,
): FlowAccuracy[] {
  const counted = crossings.map(({ line, direction, classIndex, time }) => ({
    line,
    direction,
    class: classes[classIndex] ?? '',
    time,
  }));
  const byHand = truth.map(({ line, direction, class: name, t }) => ({
    line,
    direction,
    class: name,
    time: t ?? null,
  }));
  const keyOf = (each: { line: string; direction: string; class: string }): string =>
    JSON.stringify([each.line, each.direction, each.class]);
  const keys = new Map([...byHand, ...counted].map((each) => [keyOf(each), each]));
  return [...keys].map(([key, { line, direction, class: name }]) => {
    const [right, got] = [byHand.filter((each) => keyOf(each) === key), counted.filter((each) => keyOf(each) === key)];
    return {
      line,
      direction,
      class: name,
      truth: right.length,
      counted: got.length,
      geh: seconds < GEH_SECONDS ? null : geh((got.length * 3600) / seconds, (right.length * 3600) / seconds),
      nwRmse: nwRmse(timesOf(got), timesOf(right), seconds),
    };
  });
}

const timesOf = (crossings: readonly { readonly time: number | null }[]): readonly (number | null)[] =>
  crossings.map(({ time }) => time);

/** GEH of two hourly volumes: sqrt(2 (M - C)^2 / (M + C)). */
export const geh = (measured: number, counted: number): number =>
  measured + counted === 0 ? 0 : Math.sqrt((2 * (measured - counted) ** 2) / (measured + counted));

/**
 * AI City's counting score: cumulative counts at the ends of k segments, w_i = 2i / (k (k + 1)), 1 - sqrt(sum w_i (xhat_i - x_i)^2) / x, at
 * least 0. Null where nothing crossed, or where a time is not known.
 */
export function nwRmse(
  counted: readonly (number | null)[],
  truth: readonly (number | null)[],
  seconds: number,
): number | null {
  if (truth.length === 0 || truth.includes(null) || counted.includes(null)) return null;
  let sum = 0;
  for (let i = 1; i <= SEGMENTS; i++) {
    const end = i === SEGMENTS ? Number.POSITIVE_INFINITY : (i * seconds) / SEGMENTS;
    const until = (times: readonly (number | null)[]): number =>
      times.filter((time) => time !== null && time < end).length;
    sum += ((2 * i) / (SEGMENTS * (SEGMENTS + 1))) * (until(counted) - until(truth)) ** 2;
  }
  return Math.max(0, 1 - Math.sqrt(sum) / truth.length);
}
