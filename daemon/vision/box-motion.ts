import type { Box } from '../../inference/image.ts';
import { atRest, corrected, type Motion, predicted } from './kalman.ts';

/**
 * Deviations as shares of the box, those of DeepSORT (Wojke 2017) made independent of the frame rate: detectors err by about a
 * twentieth of the width across and of the height along; of a new object nothing is known but that it moves by no more than a few of its
 * sizes a second.
 */
const OBSERVED = 0.05;
const FIRST_RATE = 2;
const PUSH = 0.85;
/** Sizes change more slowly than places. */
const SIZE_FIRST_RATE = 0.5;
const SIZE_PUSH = 0.5;
/** Of a sliver at the edge of the image: what is seen of it errs by what the whole of it would. */
const LEAST_EXTENT = 0.2;
/** What is higher than it is wide walks: with each step its width changes by so much of the difference, and its centre by a part of it. */
const STRIDE = 0.12;
const SWAY = 0.02;
/** Of what a width seen is off the expected one, the share that is the object's rather than the detector's. */
const FOLLOWED = 0.5;
/** A side within this share of the box from the edge of the image is cut by it. */
const CUT = 0.06;
/** One box in so many is none of the object as it is, but of a part of it: hidden from below, or with what stands beside it. */
const OUTLIERS = 0.05;
/** By which it then errs. */
const OUTLYING = 0.25;
/** What stops or turns while hidden is not where it was heading, but may be where it was. */
const STAYED = 0.2;

const sizeOf = (box: Box): number => Math.sqrt(Math.max(1e-12, box[2] * box[3]));

/** Centre, width and height of a box: four coordinates whose errors are taken to be independent, as in ByteTrack's filter. */
type Four<T> = readonly [x: T, y: T, w: T, h: T];

const measured = ([x, y, w, h]: Box): Four<number> => [x + w / 2, y + h / 2, w, h];
const boxOf = ([x, y, w, h]: Four<number>): Box => [x - w / 2, y - h / 2, w, h];

/** Deviations of what is seen, along each coordinate. */
function deviations([, , w, h]: Box): Four<number> {
  const [across, along] = [OBSERVED * Math.max(w, LEAST_EXTENT * h), OBSERVED * Math.max(h, LEAST_EXTENT * w)];
  const upright = Math.max(0, h - w);
  return [across + SWAY * upright, along, across + STRIDE * upright, along];
}

/** A box that was seen, with what every motion that it may continue asks of it. */
export interface Observation {
  readonly box: Box;
  readonly coordinates: Four<number>;
  readonly errors: Four<number>;
}

export const observation = (box: Box): Observation => ({
  box,
  coordinates: measured(box),
  errors: deviations(box),
});

/** How a box moves (a Kalman filter of constant rates), with what OC-SORT adds to it: what was seen goes before what was guessed. */
export class BoxMotion {
  /** Width of the image; its height is 1. */
  readonly #width: number;
  #now: Four<Motion>;
  #at: number;
  /** As it was when the object was last seen. */
  #seen: Four<Motion>;
  #seenAt: number;
  #observed: Box;
  /** Width and height when it was last seen whole, undefined where it never was. */
  #whole: readonly [width: number | undefined, height: number | undefined] = [undefined, undefined];
  /** What of it is inside the image by now, where anyone has asked. */
  #box: Box | undefined;

  /** @param width of the image, in heights, as all that is told */
  constructor(box: Box, time: number, width: number) {
    this.#width = width;
    const size = sizeOf(box);
    const [dx, dy, dw, dh] = deviations(box);
    const [x, y, w, h] = measured(box);
    this.#now = [
      atRest(x, dx, FIRST_RATE * size),
      atRest(y, dy, FIRST_RATE * size),
      atRest(w, dw, SIZE_FIRST_RATE * size),
      atRest(h, dh, SIZE_FIRST_RATE * size),
    ];
    this.#at = time;
    this.#seen = this.#now;
    this.#seenAt = time;
    this.#observed = box;
    this.#remember(box);
  }

  /** What of it is inside the image. */
  get box(): Box {
    if (this.#box !== undefined) return this.#box;
    const [x, y, w, h] = this.#full;
    const left = Math.max(0, x);
    const top = Math.max(0, y);
    const width = Math.max(1e-6, Math.min(this.#width, x + w) - left);
    const height = Math.max(1e-6, Math.min(1, y + h) - top);
    this.#box = [left, top, width, height];
    return this.#box;
  }

  /**
   * The outline just now, of an object that was just seen: as expected, but for its width, which with each step of a walker is really
   * another one. Its ground point stays that of the filter: half of what is seen there made 34 crossings missed of 1,413 instead of 28.
   */
  get outline(): Box {
    const [x, y, w, h] = this.box;
    const width = w + FOLLOWED * (this.#observed[2] - w);
    return [x + (w - width) / 2, y, width, h];
  }

  /** The last box that was seen, as it was seen. */
  get observed(): Box {
    return this.#observed;
  }

  /** Share of it that is inside the image. */
  get inside(): number {
    const [, , w, h] = this.#full;
    const [, , width, height] = this.box;
    return (width * height) / (w * h);
  }

  get #full(): Box {
    const [x, y, w, h] = this.#now;
    return boxOf([x.place, y.place, Math.max(1e-6, w.place), Math.max(1e-6, h.place)]);
  }

  predict(time: number): void {
    this.#now = moved(this.#now, time - this.#at, sizeOf(this.#observed));
    this.#at = time;
    this.#box = undefined;
  }

  /**
   * How ill a box continues this motion: minus the logarithm of its likelihood, as a multiple of that of a box without error at a place
   * that is known for certain. 0 is perfect; a place that is hardly known costs by itself, and a box beside one that is well known costs more.
   *
   * @param step usual time between two frames, s
   * @param most from here on it makes no difference: Infinity
   */
  surprise(seen: Observation, step: number, most = Number.POSITIVE_INFINITY): number {
    const expected = this.#unlikely(measured(this.box), seen, most);
    if (this.#at - this.#seenAt < 1.5 * step) return expected;
    return Math.min(expected, this.#unlikely(measured(this.#observed), seen, most) - Math.log(STAYED));
  }

  #unlikely(expected: Four<number>, { coordinates, errors }: Observation, most: number): number {
    let usual = 0;
    let outlying = -Math.log(OUTLIERS);
    for (let k = 0; k < 4; k++) {
      const error = errors[k]! ** 2;
      const off = (coordinates[k]! - expected[k]!) ** 2;
      const variance = this.#now[k]!.a + error;
      const wide = variance + error * (OUTLYING / OBSERVED) ** 2;
      // No logarithm is below 0 here, and nearly all pairs are too far apart already across.
      if (outlying + off / wide / 2 >= most && usual + off / variance / 2 >= most) return Number.POSITIVE_INFINITY;
      usual += (off / variance + Math.log(variance / error)) / 2;
      outlying += (off / wide + Math.log(wide / error)) / 2;
    }
    return Math.min(usual, outlying);
  }

  /**
   * Seen again. After an absence the filter is taken back to where the object was last seen and led along the straight way to where it is
   * now: what it guessed in between is forgotten (OC-SORT's observation-centric re-update, Cao 2023, 4.2).
   *
   * @param step usual time between two frames, s
   */
  observe(box: Box, time: number, step: number): void {
    const absent = time - this.#seenAt;
    const steps = Math.min(MOST_STEPS, Math.round(absent / step));
    if (steps > 1) {
      this.#now = this.#seen;
      this.#at = this.#seenAt;
      this.#box = undefined;
      const from = this.#observed;
      for (let i = 1; i < steps; i++) {
        const share = i / steps;
        const between = from.map((value, k) => value + share * (box[k]! - value)) as unknown as Box;
        this.#correct(between, this.#seenAt + share * absent);
      }
    }
    this.#correct(box, time);
    this.#seen = this.#now;
    this.#seenAt = time;
    this.#observed = box;
    this.#remember(box);
  }

  #correct(box: Box, time: number): void {
    this.predict(time);
    const errors = deviations(box);
    const seen = measured(this.#uncut(box));
    const at = (k: 0 | 1 | 2 | 3): Motion => corrected(this.#now[k], seen[k], errors[k]);
    this.#now = [at(0), at(1), at(2), at(3)];
    this.#box = undefined;
  }

  /** What a box would be that the edge of the image cuts, as far as is known: the side that is seen is right, the extent is remembered. */
  #uncut([x, y, w, h]: Box): Box {
    const [left, width] = whole(x, w, this.#width, this.#whole[0]);
    const [top, height] = whole(y, h, 1, this.#whole[1]);
    return [left, top, width, height];
  }

  #remember([x, y, w, h]: Box): void {
    const [, , width, height] = this.#now;
    this.#whole = [
      isCut(x, w, this.#width) === 'no' ? width.place : this.#whole[0],
      isCut(y, h, 1) === 'no' ? height.place : this.#whole[1],
    ];
  }
}

/** More steps of a way between two places add nothing. */
const MOST_STEPS = 50;

function isCut(from: number, extent: number, end: number): 'no' | 'at its beginning' | 'at its end' | 'at both' {
  const [begins, ends] = [from < CUT * extent, from + extent > end - CUT * extent];
  return begins ? (ends ? 'at both' : 'at its beginning') : ends ? 'at its end' : 'no';
}

function whole(from: number, extent: number, end: number, known: number | undefined): readonly [number, number] {
  const cut = isCut(from, extent, end);
  if (known === undefined || known <= extent) return [from, extent];
  if (cut === 'at its beginning') return [from + extent - known, known];
  return cut === 'at its end' ? [from, known] : [from, extent];
}

function moved([x, y, w, h]: Four<Motion>, seconds: number, size: number): Four<Motion> {
  return [
    predicted(x, seconds, PUSH * size),
    predicted(y, seconds, PUSH * size),
    predicted(w, seconds, SIZE_PUSH * size),
    predicted(h, seconds, SIZE_PUSH * size),
  ];
}
