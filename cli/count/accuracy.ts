import { type Interval, wilson } from '../../core/intervals.ts';
import { assign } from '../../daemon/vision/assignment.ts';
import type { Crossing } from '../../daemon/vision/line-counter.ts';
import type { HandCrossing } from './hand-count.ts';
import { type Passing, type VolumeAccuracy, volumeAccuracy } from './volume-accuracy.ts';

/** Crossings further apart than this are two, s. */
const TOLERANCE_SECONDS = 1;
/** GEH is for hourly volumes: scaled from less than a quarter of an hour it says nothing. */
const GEH_SECONDS = 900;
/** Of the traffic-weighted accuracy, where nothing else is said. */
const SEGMENT_SECONDS = 60;
/** Segments of the cumulative counts that nwRMSE weighs. */
const SEGMENTS = 20;

interface AccuracyOptions {
  readonly classes: readonly string[];
  /** Of the video. */
  readonly seconds: number;
  /** Of each stretch of time of the traffic-weighted accuracy. */
  readonly segmentSeconds?: number;
}

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

/** Of what is in one group by hand, or was counted in it. */
interface GroupAccuracy extends VolumeAccuracy {
  /** By hand, contested ones apart. */
  readonly truth: number;
  readonly counted: number;
  readonly missed: number;
  /** Counted in it, and neither by hand nor contested. */
  readonly false: number;
  /** In it by hand, counted as of another class. */
  readonly wrongClass: number;
  /** Missed, false and in another class as a share of the hand count; null where that is empty. */
  readonly error: number | null;
}

export interface CountAccuracy extends VolumeAccuracy {
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
  readonly classes: readonly (GroupAccuracy & { readonly class: string })[];
  readonly directions: readonly (GroupAccuracy & { readonly line: string; readonly direction: string })[];
  readonly missedCrossings: readonly Passing[];
  readonly falseCrossings: readonly Passing[];
}

/**
 * Sets a count beside a hand count: crossings of one line and direction are the same within a second of each other, as many as can be
 * paired, those nearest in time. Where the hand count knows no time, numbers alone are compared.
 *
 */
export function countAccuracy(
  crossings: readonly Crossing[],
  truth: readonly HandCrossing[],
  { classes, seconds, segmentSeconds = SEGMENT_SECONDS }: AccuracyOptions,
): CountAccuracy {
  const pairs = pairsOf(crossings, truth, classes);
  const passings = passingsOf(crossings, truth, pairs, classes);
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
    ...volumeAccuracy(passings.counted, passings.truth, segmentSeconds),
    classes: groupsOf(passings, (each) => ({ class: each.class }), segmentSeconds),
    directions: groupsOf(passings, ({ line, direction }) => ({ line, direction }), segmentSeconds),
    missedCrossings: passings.missed,
    falseCrossings: passings.false,
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

interface Passings {
  /** Without what is contested by hand, and what was counted for that. */
  readonly counted: readonly Passing[];
  readonly truth: readonly Passing[];
  readonly missed: readonly Passing[];
  readonly false: readonly Passing[];
  /** Found, in another class than by hand; in that of the hand count. */
  readonly confused: readonly Passing[];
}

/** A class that is right too is that of the hand count. */
function passingsOf(
  crossings: readonly Crossing[],
  truth: readonly HandCrossing[],
  pairs: readonly CrossingPair[],
  classes: readonly string[],
): Passings {
  const ofHand = ({ line, direction, class: name, t }: HandCrossing): Passing => {
    return { line, direction, class: name, time: t ?? null };
  };
  const ofBox = ({ line, direction, classIndex, time }: Crossing): Passing => {
    return { line, direction, class: classes[classIndex] ?? '', time };
  };
  const paired = new Map(pairs.map(({ hand, counted }) => [counted, hand]));
  const found = new Set(paired.values());
  const certain = truth.filter(({ contested }) => !contested);
  return {
    counted: crossings.flatMap((each) => {
      const hand = paired.get(each);
      if (hand?.contested === true) return [];
      const right = hand !== undefined && isOfClass(each, hand, classes);
      return [right ? { ...ofBox(each), class: hand.class } : ofBox(each)];
    }),
    truth: certain.map(ofHand),
    missed: certain.filter((each) => !found.has(each)).map(ofHand),
    false: crossings.filter((each) => !paired.has(each)).map(ofBox),
    confused: pairs
      .filter(({ hand, counted }) => !hand.contested && !isOfClass(counted, hand, classes))
      .map(({ hand }) => ofHand(hand)),
  };
}

/** @param keyOf what one group has in common */
function groupsOf<K extends object>(
  passings: Passings,
  keyOf: (passing: Passing) => K,
  segmentSeconds: number,
): (K & GroupAccuracy)[] {
  const nameOf = (passing: Passing): string => JSON.stringify(keyOf(passing));
  const keys = new Map([...passings.truth, ...passings.counted].map((each) => [nameOf(each), keyOf(each)]));
  return [...keys].map(([name, key]) => {
    const of = (all: readonly Passing[]): Passing[] => all.filter((each) => nameOf(each) === name);
    const [counted, truth] = [of(passings.counted), of(passings.truth)];
    const [missed, wrong, confused] = [of(passings.missed), of(passings.false), of(passings.confused)];
    const errors = missed.length + wrong.length + confused.length;
    return {
      ...key,
      truth: truth.length,
      counted: counted.length,
      missed: missed.length,
      false: wrong.length,
      wrongClass: confused.length,
      error: truth.length === 0 ? null : errors / truth.length,
      ...volumeAccuracy(counted, truth, segmentSeconds),
    };
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
