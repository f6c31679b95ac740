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
  const map = mapOf(output, head, preprocessing.size);
  const place = placementOf(preprocessing, image);
  const found: Detection[] = [];
  for (let classIndex = 0; classIndex < map.classes; classIndex++) {
    const scores = map.scores(classIndex);
    for (let cell = 0; cell < scores.length; cell++) {
      const score = scores[cell]!;
      if (!(score >= least)) continue;
      const centre = peakAt(scores, map.columns, cell);
      if (centre === undefined) continue;
      const [w, h] = map.sizeAt(cell, classIndex);
      const box: Box = [centre[0] * map.cellSide - w / 2, centre[1] * map.cellSide - h / 2, w, h];
      const placed = place(box);
      if (placed.every(Number.isFinite) && w > 0 && h > 0)
        found.push({ box: placed, classIndex, score: Math.min(1, score) });
    }
  }
  return suppressOverlaps(found, { sameClass: head.overlap, otherClass: head.overlapAcrossClasses });
}

interface CellMap {
  readonly classes: number;
  /** Cells in a row. */
  readonly columns: number;
  /** Pixels of the input. */
  readonly cellSide: number;
  /** Of all cells, row by row; 0 where the value is not finite. */
  scores(classIndex: number): Float32Array;
  /** Width and height, pixels of the input. */
  sizeAt(cell: number, classIndex: number): readonly [number, number];
}

function mapOf(output: Float32Array, head: GridHead, size: Size): CellMap {
  const { stride, split, score, box } = head;
  const [rows, columns] = rowsAndColumns(head, size);
  const places = rows * columns;
  const values = output.length / places / split ** 2;
  const across = columns * split;
  const valueAt = (cell: number, value: number): number => {
    const [x, y] = [cell % across, Math.floor(cell / across)];
    const part = (y % split) * split + (x % split);
    return output[(part * values + value) * places + Math.floor(y / split) * columns + Math.floor(x / split)]!;
  };
  const classes = values - sizeValues(head);
  return {
    classes,
    columns: across,
    cellSide: stride / split,
    scores: (classIndex) =>
      Float32Array.from({ length: places * split ** 2 }, (_, cell) => {
        const value = valueAt(cell, classIndex);
        if (!Number.isFinite(value)) return 0;
        return score === 'logit' ? 1 / (1 + Math.exp(-value)) : value;
      }),
    sizeAt: (cell, classIndex) => {
      if ('typical' in box) return box.typical[classIndex] ?? [0, 0];
      const side = (which: 0 | 1): number => stride * Math.exp(valueAt(cell, classes + which) * box.logSize);
      return [side(0), side(1)];
    },
  };
}

/**
 * Where the peak around a cell lies, in cells from the top left; undefined where a neighbour is higher. Of equal neighbours, which
 * quantized scores often are, the first is the peak.
 */
function peakAt(scores: Float32Array, columns: number, cell: number): readonly [number, number] | undefined {
  const rows = scores.length / columns;
  const [column, row] = [cell % columns, Math.floor(cell / columns)];
  const peak = scores[cell]!;
  let [sum, x, y] = [0, 0, 0];
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      if (column + dx < 0 || column + dx >= columns || row + dy < 0 || row + dy >= rows) continue;
      const other = scores[cell + dy * columns + dx]!;
      const before = dy < 0 || (dy === 0 && dx < 0);
      if (before ? other >= peak : other > peak) return undefined;
      sum += other;
      x += other * dx;
      y += other * dy;
    }
  }
  return [column + 0.5 + x / sum, row + 0.5 + y / sum];
}
