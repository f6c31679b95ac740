import type { Box } from '../../inference/image.ts';
import { atRest, corrected, type Motion, predicted } from './kalman.ts';

/**
 * Deviations as shares of the box's size, those of DeepSORT (Wojke 2017) made independent of the frame rate: detectors err by about a
 * twentieth of the box; of a new object nothing is known but that it moves by no more than a few of its sizes a second.
 */
const OBSERVED = 0.05;
const FIRST_RATE = 2;
const PUSH = 1.5;
/** Sizes change more slowly than places. */
const SIZE_FIRST_RATE = 0.5;
const SIZE_PUSH = 0.5;

const observedSize = (box: Box): number => Math.sqrt(Math.max(1e-12, box[2] * box[3]));

/** Centre, width and height of a box: four coordinates whose errors are taken to be independent, as in ByteTrack's filter. */
type Coordinates = readonly [Motion, Motion, Motion, Motion];

const measured = ([x, y, w, h]: Box): readonly [number, number, number, number] => [x + w / 2, y + h / 2, w, h];

/** How a box moves (a Kalman filter of constant rates), with what OC-SORT adds to it: what was seen goes before what was guessed. */
export class BoxMotion {
  #now: Coordinates;
  #at: number;
  /** As it was when the object was last seen. */
  #seen: Coordinates;
  #seenAt: number;
  #observed: Box;

  constructor(box: Box, time: number) {
    const size = observedSize(box);
    const [x, y, w, h] = measured(box);
    const place = (value: number): Motion => atRest(value, OBSERVED * size, FIRST_RATE * size);
    const extent = (value: number): Motion => atRest(value, OBSERVED * size, SIZE_FIRST_RATE * size);
    this.#now = [place(x), place(y), extent(w), extent(h)];
    this.#at = time;
    this.#seen = this.#now;
    this.#seenAt = time;
    this.#observed = box;
  }

  get box(): Box {
    const [x, y, w, h] = this.#now;
    const [width, height] = [Math.max(1e-6, w.place), Math.max(1e-6, h.place)];
    return [x.place - width / 2, y.place - height / 2, width, height];
  }

  /** The last box that was seen, as it was seen. */
  get observed(): Box {
    return this.#observed;
  }

  /** Of the centre, a second. */
  get velocity(): readonly [number, number] {
    return [this.#now[0].rate, this.#now[1].rate];
  }

  predict(time: number): void {
    this.#now = moved(this.#now, time - this.#at, observedSize(this.#observed));
    this.#at = time;
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
  }

  #correct(box: Box, time: number): void {
    this.predict(time);
    const deviation = OBSERVED * observedSize(box);
    const [x, y, w, h] = measured(box);
    const [nowX, nowY, nowW, nowH] = this.#now;
    this.#now = [
      corrected(nowX, x, deviation),
      corrected(nowY, y, deviation),
      corrected(nowW, w, deviation),
      corrected(nowH, h, deviation),
    ];
  }
}

/** More steps of a way between two places add nothing. */
const MOST_STEPS = 50;

function moved([x, y, w, h]: Coordinates, seconds: number, size: number): Coordinates {
  return [
    predicted(x, seconds, PUSH * size),
    predicted(y, seconds, PUSH * size),
    predicted(w, seconds, SIZE_PUSH * size),
    predicted(h, seconds, SIZE_PUSH * size),
  ];
}
