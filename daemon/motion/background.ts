import type { GreySize } from './grey-image.ts';

/** For how long a brightness has to be there to be the street's: of the time that is remembered. */
const MEMORY_SECONDS = 90;
/** At the start all that was seen counts alike, from so long on. */
const FIRST_SECONDS = 1;
/** Over which the brightness of a mode is followed, s: exposure and clouds are compensated for, the sun wanders. */
const FOLLOWED_SECONDS = 8;
/** A mode of this weight is the street: what stands still for a third of the memory is street as well. */
const STREET_WEIGHT = 0.3;
/** Weight of a brightness seen for the first time. */
const NEW_WEIGHT = 0.02;
/** Of 255: what differs by less is alike, wherever it is. */
const LEAST_DIFFERENCE = 3;
/** Mean absolute deviations: 2.5 of them are 2 standard deviations of a normal distribution. */
const DEVIATIONS = 2.5;
const MOST_DEVIATION = 12;
/** Of the steepness beside it, pixels: what a mast sways, and reducing an image. */
const SWAY = 0.35;
/** In which what is recognised as the street is learned, s. */
const FAVOURED_SECONDS = 4;

/** Longest step between frames that counts as seen, s. */
const LONGEST_STEP = 2;

/**
 * What the street looks like where nothing moves: of every pixel two brightnesses (modes), each with the share of time that it was there
 * (Stauffer and Grimson 1999, with two modes in grey and a noise of the pixel). A queue at a red light hides the road for half of the time, and
 * every vehicle in another brightness: the road stays the mode that comes again.
 */
export class Background {
  readonly #size: GreySize;
  /** Brightness of both modes, the heavier one first. */
  readonly mean: Float32Array;
  readonly #second: Float32Array;
  readonly #weight: Float32Array;
  readonly #secondWeight: Float32Array;
  /** Mean absolute deviation from the mode that was met. */
  readonly #noise: Float32Array;
  /** Steepness of the heavier mode, per pixel of way. */
  readonly #steep: Float32Array;
  #seconds = 0;
  #steepRow = 0;

  constructor(size: GreySize) {
    const pixels = size.width * size.height;
    this.#size = size;
    this.mean = new Float32Array(pixels);
    this.#second = new Float32Array(pixels);
    this.#weight = new Float32Array(pixels);
    this.#secondWeight = new Float32Array(pixels);
    this.#noise = new Float32Array(pixels);
    this.#steep = new Float32Array(pixels);
  }

  /** How long was looked, s. */
  get seconds(): number {
    return this.#seconds;
  }

  /** The first image, or one after which nothing is as it was. */
  begin(grey: Float32Array): void {
    this.mean.set(grey);
    this.#second.fill(0);
    this.#weight.fill(1);
    this.#secondWeight.fill(0);
    this.#noise.fill(2);
    this.#seconds = 0;
    for (let row = 0; row < this.#size.height; row++) this.#steepen(row);
  }

  /**
   * Marks what is not the street, and learns.
   *
   * @param grey in the background's light and place
   * @param elapsed since the frame before, s
   * @param difference out: by how many thresholds each pixel differs from the street, with its sign; 0 where it does not
   */
  compare(grey: Float32Array, elapsed: number, difference: Float32Array): void {
    const step = Math.min(LONGEST_STEP, elapsed);
    this.#seconds += step;
    const memory = Math.max(FIRST_SECONDS, Math.min(MEMORY_SECONDS, this.#seconds));
    const gained = 1 - Math.exp(-step / memory);
    const followed = 1 - Math.exp(-step / Math.min(FOLLOWED_SECONDS, memory));
    const { mean } = this;
    const [second, weight, secondWeight, noise, steep] = [
      this.#second,
      this.#weight,
      this.#secondWeight,
      this.#noise,
      this.#steep,
    ];
    for (let i = 0; i < grey.length; i++) {
      const value = grey[i]!;
      const limit = LEAST_DIFFERENCE + DEVIATIONS * noise[i]! + SWAY * steep[i]!;
      const away = value - mean[i]!;
      const other = value - second[i]!;
      const kept = 1 - gained;
      if (Math.abs(away) <= limit) {
        mean[i]! += followed * away;
        noise[i]! += followed * (Math.min(MOST_DEVIATION, Math.abs(away)) - noise[i]!);
        weight[i] = weight[i]! * kept + gained;
        secondWeight[i]! *= kept;
        difference[i] = 0;
        continue;
      }
      if (secondWeight[i]! > 0 && Math.abs(other) <= limit) {
        second[i]! += followed * other;
        const heavy = secondWeight[i]! * kept + gained;
        const light = weight[i]! * kept;
        difference[i] = heavy >= STREET_WEIGHT ? 0 : away / limit;
        if (heavy > light) {
          const before = mean[i]!;
          mean[i] = second[i]!;
          second[i] = before;
          weight[i] = heavy;
          secondWeight[i] = light;
        } else {
          secondWeight[i] = heavy;
          weight[i] = light;
        }
        continue;
      }
      second[i] = value;
      secondWeight[i] = NEW_WEIGHT;
      weight[i]! *= kept;
      difference[i] = away / limit;
    }
    // The steepness changes as slowly as the street: a twentieth of the rows a frame.
    for (let rows = Math.ceil(this.#size.height / 20); rows > 0; rows--) {
      this.#steepen(this.#steepRow);
      this.#steepRow = (this.#steepRow + 1) % this.#size.height;
    }
  }

  /** These pixels `[from, to)` show the street: it is learned within a moment, as if nothing had been there before. */
  favour(from: number, to: number, elapsed: number): void {
    const gained = 1 - Math.exp(-Math.min(LONGEST_STEP, elapsed) / FAVOURED_SECONDS);
    for (let i = from; i < to; i++) this.#secondWeight[i]! += gained * (1 - this.#secondWeight[i]!);
  }

  #steepen(row: number): void {
    const { width, height } = this.#size;
    const { mean } = this;
    const above = Math.max(0, row - 1) * width;
    const below = Math.min(height - 1, row + 1) * width;
    const at = row * width;
    for (let x = 0; x < width; x++) {
      const left = mean[at + Math.max(0, x - 1)]!;
      const right = mean[at + Math.min(width - 1, x + 1)]!;
      this.#steep[at + x] = Math.max(Math.abs(right - left), Math.abs(mean[below + x]! - mean[above + x]!)) / 2;
    }
  }
}
