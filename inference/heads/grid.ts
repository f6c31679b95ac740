import { z } from 'zod';
import { WaysideError } from '../../core/errors.ts';
import type { Box } from '../image.ts';
import { type Preprocessing, placementOf } from '../preprocess.ts';
import { type Detection, LEAST_SCORE, suppressOverlaps } from './detection.ts';

/**
 * How the one output of a grid network, `[1, channels, rows, columns]`, is read: a score a class in every cell of a coarse map, highest in the
 * cell where an object's centre lies (Zhou 2019, "Objects as Points").
 *
 * A place of the output stands for `stride` x `stride` pixels of the input and holds `split` x `split` cells, row by row (sub-pixel
 * convolution, Shi 2016). Channels of a cell: the scores, then, with `box.logSize`, width and height.
 */
export const GridHead = z.strictObject({
  stride: z.int().min(1).max(256),
  split: z.int().min(1).max(8).default(1),
  /** `logit`: the score is its sigmoid. */
  score: z.enum(['logit', 'probability']),
  box: z.union([
    /** Width and height of the objects of each class, pixels of the input. */
    z.strictObject({ typical: z.array(z.tuple([z.number().positive(), z.number().positive()])).min(1) }),
    /** Two more channels: size in pixels of the input = stride * exp(value * logSize). */
    z.strictObject({ logSize: z.number().positive() }),
  ]),
  /** Boxes of one class that overlap by more hide each other. */
  overlap: z.number().min(0).max(1).default(0.6),
  /** Boxes of different classes that overlap by more hide each other: one object, one box. Without it, none do. */
  overlapAcrossClasses: z.number().min(0).max(1).optional(),
});
export type GridHead = z.infer<typeof GridHead>;

type Size = readonly [height: number, width: number];

const sizeValues = ({ box }: GridHead): number => ('logSize' in box ? 2 : 0);
const rowsAndColumns = ({ stride }: GridHead, [height, width]: Size): Size => [
  Math.ceil(height / stride),
  Math.ceil(width / stride),
];

/** Numbers in the output of a grid of so many classes for an input of `size`. */
export function gridLength(head: GridHead, size: Size, classes: number): number {
  const [rows, columns] = rowsAndColumns(head, size);
  return rows * columns * head.split ** 2 * (classes + sizeValues(head));
}

/**
 * Classes of a grid network by the size of its output.
 *
 * @param dims of the output
 * @throws {WaysideError} MODEL_UNSUPPORTED where the head does not fit the output
 */
export function gridClasses(dims: readonly (number | string)[], head: GridHead, size: Size): number {
  const [rows, columns] = rowsAndColumns(head, size);
  const [, channels, ...map] = dims;
  const fits = [rows, columns].every((side, i) => map[i] === side || typeof map[i] === 'string');
  const classes = Number(channels) / head.split ** 2 - sizeValues(head);
  const { box } = head;
  const named = 'typical' in box ? box.typical.length : classes;
  if (dims.length === 4 && fits && Number.isInteger(classes) && classes >= 1 && named === classes) return classes;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message:
      `the output [${dims.join(', ')}] is none of this grid: expected [1, ${head.split ** 2} x (classes + ${sizeValues(head)}), ${rows}, ${columns}] ` +
      `for an input of ${size.join('x')}${'typical' in box ? `, with ${box.typical.length} classes` : ''}`,
    hint: 'stride, split and box of the head say how many rows, columns and channels there are',
  });
}

interface GridDecodeOptions {
  readonly head: GridHead;
  readonly preprocessing: Preprocessing;
  /** Of the image that was looked at, before preprocessing, pixels. */
  readonly image: { readonly width: number; readonly height: number };
  /** @default LEAST_SCORE */
  readonly least?: number;
}

/**
 * Objects of one image: the cells whose score is the highest among their eight neighbours, by falling score. The centre lies at the mean of
 * these cells, weighted by their scores. A value that is not finite holds no object.
 */
export function decodeGrid(output: Float32Array, options: GridDecodeOptions): Detection[] {
  const { head, preprocessing, image, least = LEAST_SCORE } = options;
  const map = new CellMap(output, head, preprocessing.size);
  const place = placementOf(preprocessing, image);
  const found: Detection[] = [];
  for (let classIndex = 0; classIndex < map.classes; classIndex++) {
    map.forEachFrom(classIndex, least, (x, y, score) => {
      const centre = peakAt(map, classIndex, x, y);
      if (centre === undefined) return;
      const [w, h] = map.sizeAt(x, y, classIndex);
      const box: Box = [centre[0] * map.cellSide - w / 2, centre[1] * map.cellSide - h / 2, w, h];
      const placed = place(box);
      if (placed.every(Number.isFinite) && w > 0 && h > 0)
        found.push({ box: placed, classIndex, score: Math.min(1, score) });
    });
  }
  return suppressOverlaps(found, { sameClass: head.overlap, otherClass: head.overlapAcrossClasses });
}

/** Logits below that of the least score by more than this have a lower one, whatever the rounding of either. */
const LOGIT_MARGIN = 1e-3;

/** Where a value may begin to be a score from `least` on, before it is computed exactly. */
function leastValue(least: number, { score }: GridHead): number {
  if (score === 'probability') return least;
  return least > 0 && least < 1 ? Math.log(least / (1 - least)) - LOGIT_MARGIN : Number.NEGATIVE_INFINITY;
}

/**
 * The cells of an output, where they lie and what they say.
 *
 * Nearly all cells hold nothing, which their raw values tell: the scores of all of them took 1.5 ms of an image of 336x192 (four classes,
 * 4032 cells), as much as half of the model's run.
 */
class CellMap {
  readonly classes: number;
  readonly rows: number;
  readonly columns: number;
  /** Pixels of the input. */
  readonly cellSide: number;
  readonly #output: Float32Array;
  readonly #head: GridHead;
  /** Numbers of one channel. */
  readonly #places: number;
  /** Where the first value of a cell lies: the sum of that of its row and that of its column. */
  readonly #rowAt: Int32Array;
  readonly #columnAt: Int32Array;

  constructor(output: Float32Array, head: GridHead, size: Size) {
    const { stride, split } = head;
    const [rows, columns] = rowsAndColumns(head, size);
    const places = rows * columns;
    const values = output.length / places / split ** 2;
    this.#output = output;
    this.#head = head;
    this.#places = places;
    this.classes = values - sizeValues(head);
    this.rows = rows * split;
    this.columns = columns * split;
    this.cellSide = stride / split;
    const part = values * places;
    this.#rowAt = Int32Array.from(
      { length: this.rows },
      (_, y) => (y % split) * split * part + Math.floor(y / split) * columns,
    );
    this.#columnAt = Int32Array.from({ length: this.columns }, (_, x) => (x % split) * part + Math.floor(x / split));
  }

  /** Calls `see` for every cell of at least that score, row by row. */
  forEachFrom(classIndex: number, least: number, see: (x: number, y: number, score: number) => void): void {
    const from = leastValue(least, this.#head);
    const [output, columnAt] = [this.#output, this.#columnAt];
    for (let y = 0; y < this.rows; y++) {
      const row = this.#rowAt[y]! + classIndex * this.#places;
      for (let x = 0; x < columnAt.length; x++) {
        if (!(output[row + columnAt[x]!]! >= from)) continue;
        const score = this.scoreAt(x, y, classIndex);
        if (score >= least) see(x, y, score);
      }
    }
  }

  /** As a float of 32 bits; 0 where the value is not finite. */
  scoreAt(x: number, y: number, classIndex: number): number {
    const value = this.#valueAt(x, y, classIndex);
    if (!Number.isFinite(value)) return 0;
    return this.#head.score === 'logit' ? Math.fround(1 / (1 + Math.exp(-value))) : value;
  }

  /** Width and height, pixels of the input. */
  sizeAt(x: number, y: number, classIndex: number): readonly [number, number] {
    const { box, stride } = this.#head;
    if ('typical' in box) return box.typical[classIndex] ?? [0, 0];
    const side = (which: 0 | 1): number => stride * Math.exp(this.#valueAt(x, y, this.classes + which) * box.logSize);
    return [side(0), side(1)];
  }

  #valueAt(x: number, y: number, value: number): number {
    return this.#output[this.#rowAt[y]! + this.#columnAt[x]! + value * this.#places]!;
  }
}

/**
 * Where the peak around a cell lies, in cells from the top left; undefined where a neighbour is higher. Of equal neighbours, which
 * quantized scores often are, the first is the peak.
 */
function peakAt(
  map: CellMap,
  classIndex: number,
  column: number,
  row: number,
): readonly [x: number, y: number] | undefined {
  const peak = map.scoreAt(column, row, classIndex);
  let [sum, x, y] = [0, 0, 0];
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      if (column + dx < 0 || column + dx >= map.columns || row + dy < 0 || row + dy >= map.rows) continue;
      const other = map.scoreAt(column + dx, row + dy, classIndex);
      const before = dy < 0 || (dy === 0 && dx < 0);
      if (before ? other >= peak : other > peak) return undefined;
      sum += other;
      x += other * dx;
      y += other * dy;
    }
  }
  return [column + 0.5 + x / sum, row + 0.5 + y / sum];
}
