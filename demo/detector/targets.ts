import type { Box } from '../../inference/image.ts';
import type { ObjectTruth } from '../scene/types.ts';
import { COLUMNS, HEAD, PREPROCESSING, ROAD_USERS, ROWS, VALUES } from './network.ts';

/** Of less than this share nobody can tell what it is: neither right nor wrong. */
export const CLEARLY_VISIBLE = 0.35;
/** Of less than this there is nothing to see. */
const HARDLY_VISIBLE = 0.1;
/** Deviation of a peak in cells; of a large object its middle is less sharp. */
const NARROWEST = 0.75;
const WIDEST = 2;
const SHARE_OF_SIDE = 0.07;
/** Beyond three deviations there is nothing of a peak, cells. */
const REACH = Math.ceil(3 * WIDEST);
/** Cells with at least this share of a peak learn its size. */
const NEAR_PEAK = 0.3;

const { split, stride, box: sizes } = HEAD;
const CELLS_ACROSS = COLUMNS * split;
const CELLS_DOWN = ROWS * split;
const PLACES = ROWS * COLUMNS;
const CHANNELS = split ** 2 * VALUES;

/** Numbers in the targets of an image: what each value of the output should be, then what it weighs. */
export const TARGET_LENGTH = 2 * CHANNELS * PLACES;

export interface Wanted {
  readonly classIndex: number;
  readonly box: Box;
  readonly visibility: number;
}

/** The objects that the network knows. */
export const wantedOf = (objects: readonly ObjectTruth[]): readonly Wanted[] =>
  objects.flatMap((each) => {
    const classIndex = ROAD_USERS.findIndex((name: string) => name === each.class);
    return classIndex < 0 || each.visibility < HARDLY_VISIBLE
      ? []
      : [{ classIndex, box: each.box, visibility: each.visibility }];
  });

/** Where value `value` of a cell lies in the output. */
function indexOf(x: number, y: number, value: number): number {
  const part = (y % split) * split + (x % split);
  return (part * VALUES + value) * PLACES + Math.floor(y / split) * COLUMNS + Math.floor(x / split);
}

const deviation = (cells: number): number => Math.min(WIDEST, Math.max(NARROWEST, SHARE_OF_SIDE * cells));

/**
 * Writes what the network should say of an image: around each centre a Gaussian peak of 1, and near it the object's size. What is hardly
 * visible weighs nothing.
 *
 * @param shift by which everything is moved to the right and down, shares of the image
 */
export function writeTargets(
  objects: readonly Wanted[],
  [right, down]: readonly [number, number],
  out: Float32Array,
  offset: number,
): void {
  const half = CHANNELS * PLACES;
  out.fill(0, offset, offset + 2 * half);
  for (let y = 0; y < CELLS_DOWN; y++)
    for (let x = 0; x < CELLS_ACROSS; x++)
      for (let value = 0; value < ROAD_USERS.length; value++) out[offset + half + indexOf(x, y, value)] = 1;
  for (const { classIndex, box, visibility } of objects) {
    const [left, top, w, h] = box;
    const cx = (left + right + w / 2) * CELLS_ACROSS - 0.5;
    const cy = (top + down + h / 2) * CELLS_DOWN - 0.5;
    const [sx, sy] = [deviation(w * CELLS_ACROSS), deviation(h * CELLS_DOWN)];
    const size = [w * PREPROCESSING.size[1], h * PREPROCESSING.size[0]].map(
      (side) => Math.log(side / stride) / sizes.logSize,
    );
    for (let y = Math.max(0, Math.ceil(cy - REACH)); y < Math.min(CELLS_DOWN, cy + REACH); y++) {
      for (let x = Math.max(0, Math.ceil(cx - REACH)); x < Math.min(CELLS_ACROSS, cx + REACH); x++) {
        const peak = Math.exp(-((x - cx) ** 2) / (2 * sx ** 2) - (y - cy) ** 2 / (2 * sy ** 2));
        const score = offset + indexOf(x, y, classIndex);
        if (visibility < CLEARLY_VISIBLE) {
          if (peak > NEAR_PEAK) out[score + half] = 0;
          continue;
        }
        if (peak > out[score]!) out[score] = peak;
        const first = offset + indexOf(x, y, ROAD_USERS.length);
        if (peak < NEAR_PEAK || peak < out[first + half]!) continue;
        size.forEach((value, i) => {
          out[first + i * PLACES] = value;
          out[first + i * PLACES + half] = peak;
        });
      }
    }
  }
}
