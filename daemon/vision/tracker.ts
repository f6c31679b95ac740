import { type Detection, intersectionOverUnion } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';
import { BoxMotion, type Observation, observation } from './box-motion.ts';
import { counter } from './numbering.ts';
import { worthwhilePairs } from './worthwhile-pairs.ts';

interface TrackerLimits {
  /** Detections from this score on can begin a track, where their model does not say from which on; those below only go on with one. */
  readonly high: number;
  /** Below this they are not looked at. */
  readonly low: number;
  /** Times a new object has to be seen before it is believed. */
  readonly confirmations: number;
  /** An object that was not seen for longer is gone, s. */
  readonly keptSeconds: number;
}

/** Scores: ByteTrack's, lowered to what small detectors reach. */
const TRACKER_LIMITS: TrackerLimits = { high: 0.4, low: 0.1, confirmations: 3, keptSeconds: 2 };

/** An object of a frame. */
export interface TrackedObject {
  /** Counted from 1, never used again. */
  readonly id: number;
  /** Filtered, in shares of the image. */
  readonly box: Box;
  /** The class with most score over all that was seen of it. */
  readonly classIndex: number;
  /** Of this frame's detection. */
  readonly score: number;
  /** It was seen often enough to be believed. */
  readonly confirmed: boolean;
}

/**
 * A detection, and where it differs from its score, how much it says of the class. `begins`: whether it can begin a track, where its model
 * says so; by its score otherwise.
 */
type Voted = Detection & { readonly vote?: number; readonly begins?: boolean | undefined };

interface Seen {
  readonly classIndex: number;
  readonly score: number;
  readonly vote: number;
  readonly begins: boolean;
  /** Of its box, in heights of the image. */
  readonly at: Observation;
}

interface Track {
  readonly id: number;
  readonly motion: BoxMotion;
  /** Sum of the scores by class. */
  readonly votes: Map<number, number>;
  seenAt: number;
  hits: number;
  score: number;
}

/** What is more surprising is another object: an exact return after 1.6 s unseen is by 12, for how little is known of its place by then. */
const MOST_SURPRISE = 12.5;
/**
 * How much less surprising it is that an object is not seen of which more than this share is behind another one. Walkers who met, one before the
 * other, changed places: at 5 to 15 frames a second 31 and 3 crossings of 1,559 were missed and false on 21 other streets than those of
 * the benchmark without, 25 and 3 with it.
 */
const HIDDEN = 4;
const MOSTLY = 0.7;
/** An object is nearer where its lower edge is further down by this share of the other's height: by less, it may be either. */
const NEARER = 0.1;
/** Least overlap with what was seen a moment ago of a detection of low score, or of one that is not like it. */
const LEAST_OVERLAP = 0.5;
/** Of another class than the track ever was: one detection in twenty. */
const OTHER_CLASS = 3;
/** An object of which less is inside the image has left it. */
const LEAST_INSIDE = 0.1;

/**
 * Follows objects from frame to frame. First detections of high score go to the tracks that they most likely continue: one that was hidden,
 * whose place is hardly known, competes fairly with one that was seen a moment ago. Then, for the tracks of the last moment that are left
 * over, what overlaps with them: detections of low score (ByteTrack, Zhang 2022), and those of high score that are a part of the object or
 * more than it. Each pass is an optimal assignment. Times may be apart by any step: nothing counts in frames but confirmations.
 *
 * Assignment by overlap alone (IoU, with the angle of the motion) took leaving vehicles for those that waited behind them, and walkers who
 * met for each other: three times as many crossings of twelve streets were missed or false as with likelihoods.
 */
export class Tracker {
  readonly #limits: TrackerLimits;
  /** Width of the image over its height: motions are computed in heights. */
  readonly #aspect: number;
  #tracks: Track[] = [];
  readonly #nextId: () => number;
  #time: number | undefined;
  #step: number | undefined;

  /** @param options.nextId numbers tracks; from 1 on by default */
  constructor({
    aspect,
    nextId = counter(),
    ...limits
  }: Partial<TrackerLimits> & { readonly aspect: number; readonly nextId?: () => number }) {
    this.#aspect = aspect;
    this.#nextId = nextId;
    this.#limits = { ...TRACKER_LIMITS, ...limits };
  }

  /**
   * @param time of the frame, s, above that of the frame before
   * @returns the objects seen in this frame, by id
   */
  update(detections: readonly Voted[], time: number): TrackedObject[] {
    this.#advance(time);
    const { high, low, keptSeconds, confirmations } = this.#limits;
    const strong: Seen[] = [];
    const weak: Seen[] = [];
    for (const { box, classIndex, score, vote = score, begins = score >= high } of detections) {
      const inside = stretched(insideImage(box), this.#aspect);
      if (score < low || !(inside[2] > 0 && inside[3] > 0)) continue;
      (begins ? strong : weak).push({ classIndex, score, vote, begins, at: observation(inside) });
    }

    const first = this.#pair(this.#tracks, strong, (track, each) => this.#surprise(track, each), time);
    // What was not seen in the frame before either is not to be revived by what may be noise.
    const recent = first.tracks.filter(({ seenAt }) => time - seenAt < 2.5 * (this.#step ?? 1));
    const overlapping = ({ motion }: Track, { at }: Seen): number => {
      const overlap = intersectionOverUnion(motion.box, at.box);
      return overlap < LEAST_OVERLAP ? Number.POSITIVE_INFINITY : 1 - overlap;
    };
    const second = this.#pair(recent, [...weak, ...first.detections], overlapping, time);
    for (const each of second.detections) if (each.begins) this.#begin(each, time);

    // Two frames may be missed, however far they are apart.
    const least = 3.5 * (this.#step ?? 0);
    this.#tracks = this.#tracks.filter(
      ({ seenAt, hits, motion }) =>
        seenAt === time ||
        (motion.inside >= LEAST_INSIDE &&
          time - seenAt <= Math.max(least, hits >= confirmations ? keptSeconds : keptSeconds / 4)),
    );
    return this.#tracks.filter(({ seenAt }) => seenAt === time).map((track) => this.#object(track));
  }

  #advance(time: number): void {
    const step = this.#time === undefined ? undefined : time - this.#time;
    this.#time = time;
    // The usual step: gaps weigh little.
    if (step !== undefined)
      this.#step = this.#step === undefined ? step : this.#step + 0.1 * (Math.min(step, 2 * this.#step) - this.#step);
    for (const { motion } of this.#tracks) motion.predict(time);
  }

  #surprise(track: Track, seen: Seen): number {
    const surprise = track.motion.surprise(seen.at, this.#step ?? 1, MOST_SURPRISE);
    return surprise < MOST_SURPRISE && contradicts(track, seen) ? surprise + OTHER_CLASS : surprise;
  }

  /** Whether another object is to be expected before most of it: one that stands nearer, as its lower edge is further down. */
  #isHidden({ motion: { box } }: Track): boolean {
    const [x, y, w, h] = box;
    return this.#tracks.some(
      ({
        motion: {
          box: [left, top, width, height],
        },
      }) => {
        if (top + height <= y + (1 + NEARER) * h) return false;
        const across = Math.min(x + w, left + width) - Math.max(x, left);
        const along = Math.min(y + h, top + height) - Math.max(y, top);
        return across > 0 && along > 0 && across * along > MOSTLY * w * h;
      },
    );
  }

  /** The most likely pairs; a track or a detection without one is as likely as `MOST_SURPRISE`. */
  #pair(
    tracks: readonly Track[],
    detections: readonly Seen[],
    surpriseOf: (track: Track, detection: Seen) => number,
    time: number,
  ): { readonly tracks: Track[]; readonly detections: Seen[] } {
    const costs = tracks.map((track) => detections.map((each) => surpriseOf(track, each)));
    const alone = tracks.map((track) => (this.#isHidden(track) ? MOST_SURPRISE - HIDDEN : MOST_SURPRISE));
    const taken = new Set<Track>();
    const used = new Set<Seen>();
    for (const [i, column] of worthwhilePairs(costs, alone).entries()) {
      const [track, detection] = [tracks[i], detections[column]];
      if (track === undefined || detection === undefined) continue;
      taken.add(track);
      used.add(detection);
      this.#continue(track, detection, time);
    }
    return {
      tracks: tracks.filter((track) => !taken.has(track)),
      detections: detections.filter((each) => !used.has(each)),
    };
  }

  #continue(track: Track, { at, classIndex, score, vote }: Seen, time: number): void {
    track.motion.observe(at.box, time, this.#step ?? 1);
    track.votes.set(classIndex, (track.votes.get(classIndex) ?? 0) + vote);
    track.seenAt = time;
    track.hits++;
    track.score = score;
  }

  #begin({ at, classIndex, score, vote }: Seen, time: number): void {
    const id = this.#nextId();
    const motion = new BoxMotion(at.box, time, this.#aspect);
    this.#tracks.push({ id, motion, votes: new Map([[classIndex, vote]]), seenAt: time, hits: 1, score });
  }

  #object({ id, motion, votes, hits, score }: Track): TrackedObject {
    const box = stretched(motion.outline, 1 / this.#aspect);
    return { id, box, classIndex: mostVoted(votes), score, confirmed: hits >= this.#limits.confirmations };
  }
}

/** Detectors tell of more than is inside the image, each in its own way. */
function insideImage([x, y, w, h]: Box): Box {
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  return [left, top, Math.min(1, x + w) - left, Math.min(1, y + h) - top];
}

const stretched = ([x, y, w, h]: Box, by: number): Box => [x * by, y, w * by, h];

/** A class that is less than this is no reason against a pair. */
const CERTAIN = 0.1;

const contradicts = ({ votes }: Track, { classIndex, vote }: Seen): boolean =>
  vote >= CERTAIN && !votes.has(classIndex) && Math.max(...votes.values()) >= CERTAIN;

function mostVoted(votes: ReadonlyMap<number, number>): number {
  let [best, most] = [-1, Number.NEGATIVE_INFINITY];
  for (const [classIndex, score] of votes) if (score > most) [best, most] = [classIndex, score];
  return best;
}
