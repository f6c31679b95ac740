import { type Detection, intersectionOverUnion } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';
import { assign } from './assignment.ts';
import { BoxMotion } from './box-motion.ts';
import { counter } from './numbering.ts';

interface TrackerLimits {
  /** Detections from this score on can begin a track; those below only go on with one. */
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

/** A detection, and where it differs from its score, how much it says of the class. */
type Seen = Detection & { readonly vote?: number };

interface Track {
  readonly id: number;
  readonly motion: BoxMotion;
  /** Sum of the scores by class. */
  readonly votes: Map<number, number>;
  seenAt: number;
  hits: number;
  score: number;
}

/** Least overlap of a pair in each pass; what is spread is both boxes, by a share of their sizes to each side. */
const FIRST_OVERLAP = 0.25;
const SECOND_OVERLAP = 0.4;
/** The last pass is for objects that move by about their own size between frames: C-BIoU's buffered boxes (Yang 2023). */
const SPREAD = 0.5;
const SPREAD_OVERLAP = 0.15;
/** Of an object's area meanwhile: what is larger or smaller is another, or a part of one. */
const MOST_GROWTH = 2.5;
/** A pair of other classes has to overlap more; a class flickers more often than objects of two classes change places. */
const OTHER_CLASS = 0.2;
/** Weight of the angle between where a track was heading and where the detection lies (OC-SORT's momentum). */
const HEADING = 0.2;

/**
 * Follows objects from frame to frame: first detections of high score, then, for the tracks left over, those of low score (ByteTrack, Zhang
 * 2022), last those of high score in the wider neighbourhood of where each was last seen (OC-SORT's recovery, Cao 2023).
 * Each pass is an optimal assignment. Times may be apart by any step: nothing counts in frames but confirmations.
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
  update(detections: readonly Seen[], time: number): TrackedObject[] {
    this.#advance(time);
    const { high, low, keptSeconds, confirmations } = this.#limits;
    const scaled = detections
      .filter(({ score }) => score >= low)
      .map((each) => ({ ...each, box: stretched(each.box, this.#aspect) }));
    const strong = scaled.filter(({ score }) => score >= high);
    const weak = scaled.filter(({ score }) => score < high);

    const first = this.#pair(this.#tracks, strong, (track, each) => this.#likeness(track, each), time);
    // What was not seen in the frame before either is not to be revived by what may be noise.
    const recent = first.tracks.filter(({ seenAt }) => time - seenAt < 2.5 * (this.#step ?? 1));
    const second = this.#pair(
      recent,
      weak,
      (track, each) => overlapFrom(track.motion.box, each.box, SECOND_OVERLAP),
      time,
    );
    const left = first.tracks.filter((track) => !second.taken.has(track));
    const third = this.#pair(left, first.detections, (track, each) => nearness(track, each), time);
    for (const each of third.detections) this.#begin(each, time);

    // Two frames may be missed, however far they are apart.
    const least = 3.5 * (this.#step ?? 0);
    this.#tracks = this.#tracks.filter(
      ({ seenAt, hits }) => time - seenAt <= Math.max(least, hits >= confirmations ? keptSeconds : keptSeconds / 4),
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

  /** How well a detection continues a track, 0 to 1 and a little above; -1 where it cannot. */
  #likeness(track: Track, seen: Seen): number {
    const needed = contradicts(track, seen) ? FIRST_OVERLAP + OTHER_CLASS : FIRST_OVERLAP;
    const overlap = overlapFrom(track.motion.box, seen.box, needed);
    return overlap < 0 ? -1 : overlap + HEADING * heading(track, seen.box) - (needed - FIRST_OVERLAP);
  }

  #pair(
    tracks: readonly Track[],
    detections: readonly Seen[],
    likeness: (track: Track, detection: Seen) => number,
    time: number,
  ): { readonly tracks: Track[]; readonly detections: Seen[]; readonly taken: ReadonlySet<Track> } {
    const costs = tracks.map((track) =>
      detections.map((each) => {
        const value = likeness(track, each);
        return value < 0 ? Number.POSITIVE_INFINITY : Math.max(0, 1 + HEADING - value);
      }),
    );
    const taken = new Set<Track>();
    const used = new Set<Seen>();
    for (const [i, column] of assign(costs).entries()) {
      const [track, detection] = [tracks[i], detections[column]];
      if (track === undefined || detection === undefined) continue;
      taken.add(track);
      used.add(detection);
      this.#continue(track, detection, time);
    }
    return {
      tracks: tracks.filter((track) => !taken.has(track)),
      detections: detections.filter((each) => !used.has(each)),
      taken,
    };
  }

  #continue(track: Track, { box, classIndex, score, vote = score }: Seen, time: number): void {
    track.motion.observe(box, time, this.#step ?? 1);
    track.votes.set(classIndex, (track.votes.get(classIndex) ?? 0) + vote);
    track.seenAt = time;
    track.hits++;
    track.score = score;
  }

  #begin({ box, classIndex, score, vote = score }: Seen, time: number): void {
    const id = this.#nextId();
    const motion = new BoxMotion(box, time);
    this.#tracks.push({ id, motion, votes: new Map([[classIndex, vote]]), seenAt: time, hits: 1, score });
  }

  #object({ id, motion, votes, hits, score }: Track): TrackedObject {
    const box = stretched(motion.box, 1 / this.#aspect);
    return { id, box, classIndex: mostVoted(votes), score, confirmed: hits >= this.#limits.confirmations };
  }
}

const stretched = ([x, y, w, h]: Box, by: number): Box => [x * by, y, w * by, h];

const overlapFrom = (a: Box, b: Box, least: number): number => {
  const overlap = intersectionOverUnion(a, b);
  return overlap >= least ? overlap : -1;
};

const spread = ([x, y, w, h]: Box): Box => [x - SPREAD * w, y - SPREAD * h, (1 + 2 * SPREAD) * w, (1 + 2 * SPREAD) * h];

/** How near a detection lies to where a track should be or was last seen. */
function nearness(track: Track, seen: Seen): number {
  const { motion } = track;
  const { box } = seen;
  const growth = (box[2] * box[3]) / (motion.observed[2] * motion.observed[3]);
  if (contradicts(track, seen) || growth > MOST_GROWTH || growth < 1 / MOST_GROWTH) return -1;
  const near = (to: Box): number => intersectionOverUnion(spread(to), spread(box));
  const best = Math.max(near(motion.box), near(motion.observed));
  return best >= SPREAD_OVERLAP ? best : -1;
}

/** Cosine of the angle between a track's motion and the way to a detection, -1 to 1; 0 where it hardly moves. */
function heading({ motion }: Track, box: Box): number {
  const [vx, vy] = motion.velocity;
  const [fx, fy, fw, fh] = motion.observed;
  const [dx, dy] = [box[0] + box[2] / 2 - fx - fw / 2, box[1] + box[3] / 2 - fy - fh / 2];
  const [speed, way] = [Math.hypot(vx, vy), Math.hypot(dx, dy)];
  // A way within the detector's own error has no direction.
  return speed < 0.2 * fh || way < 0.1 * fh ? 0 : (vx * dx + vy * dy) / (speed * way);
}

/** A class that is less than this is no reason against a pair. */
const CERTAIN = 0.1;

const contradicts = ({ votes }: Track, { classIndex, score, vote = score }: Seen): boolean =>
  vote >= CERTAIN && !votes.has(classIndex) && Math.max(...votes.values()) >= CERTAIN;

function mostVoted(votes: ReadonlyMap<number, number>): number {
  let [best, most] = [-1, Number.NEGATIVE_INFINITY];
  for (const [classIndex, score] of votes) if (score > most) [best, most] = [classIndex, score];
  return best;
}
