import type { Image } from './grid.ts';

/** Fields in a row and in a column: a hundredth of the width is less than one, so a mast that sways stays within its neighbours. */
export const MAP_COLUMNS = 80;
export const MAP_ROWS = 48;
export const FIELDS = MAP_COLUMNS * MAP_ROWS;
/** Points of a field that are read, each way. */
const POINTS = 3;
/** ms over which images are averaged: who drives through is gone, and noise with it. */
const AVERAGE_MS = 3000;
/** Of 255 between two fields: weaker ones are noise. */
const LEAST_STEP = 6;
/** A lamp counts for no more than a wall. */
const MOST_STEP = 40;

/** Edges by direction: `[2, MAP_ROWS, MAP_COLUMNS]`, length times cosine and sine of twice the angle. */
export type Edges = Float32Array;

/**
 * The edges of what stands still.
 *
 * Twice the angle, so that an edge is the same from dark to bright and from bright to dark: the wall that is bright before a night sky was
 * dark before the day's.
 */
export class EdgeMap {
  readonly #mean = new Float32Array(FIELDS);
  readonly #edges: Edges = new Float32Array(2 * FIELDS);
  #at = Number.NaN;
  #strong = 0;

  /** Fields that hold an edge. */
  get strong(): number {
    return this.#strong;
  }

  /** Valid until the next call. */
  add(at: number, image: Image): Edges {
    const share = Number.isNaN(this.#at) ? 1 : 1 - Math.exp(-(at - this.#at) / AVERAGE_MS);
    this.#at = at;
    this.#average(image, share);
    this.#differentiate();
    return this.#edges;
  }

  #average({ width, height, data }: Image, share: number): void {
    const columns = Array.from(
      { length: MAP_COLUMNS * POINTS },
      (_, i) => Math.floor(((i + 0.5) * width) / (MAP_COLUMNS * POINTS)) * 3 + 1,
    );
    const rows = new Float32Array(MAP_COLUMNS);
    for (let row = 0; row < MAP_ROWS; row++) {
      rows.fill(0);
      for (let point = 0; point < POINTS; point++) {
        const line = Math.floor(((row * POINTS + point + 0.5) * height) / (MAP_ROWS * POINTS)) * width * 3;
        for (let column = 0, i = 0; column < MAP_COLUMNS; column++) {
          let sum = 0;
          for (let each = 0; each < POINTS; each++) sum += data[line + columns[i++]!]!;
          rows[column]! += sum;
        }
      }
      for (let column = 0, at = row * MAP_COLUMNS; column < MAP_COLUMNS; column++, at++) {
        const now = rows[column]! / POINTS ** 2;
        this.#mean[at]! += share * (now - this.#mean[at]!);
      }
    }
  }

  #differentiate(): void {
    this.#strong = 0;
    for (let row = 1; row < MAP_ROWS - 1; row++) {
      for (let column = 1; column < MAP_COLUMNS - 1; column++) {
        const at = row * MAP_COLUMNS + column;
        const across = this.#mean[at + 1]! - this.#mean[at - 1]!;
        const down = this.#mean[at + MAP_COLUMNS]! - this.#mean[at - MAP_COLUMNS]!;
        const length = Math.sqrt(across * across + down * down);
        const weight = length < LEAST_STEP ? 0 : Math.min(length, MOST_STEP) / (length * length);
        if (weight > 0) this.#strong++;
        this.#edges[at] = weight * (across * across - down * down);
        this.#edges[FIELDS + at] = weight * 2 * across * down;
      }
    }
  }
}
