import { type Detection, suppressOverlaps } from './boxes.ts';

/** Pixels a cell of each of the three grids covers: 52x52, 26x26 and 13x13 cells of an image of 416x416. */
const STRIDES = [8, 16, 32] as const;
/** x, y, width, height, objectness; then the classes. */
const BEFORE_CLASSES = 5;
/** As in YOLOX's own demonstration. */
const MOST_OVERLAP = 0.45;

interface DecodeOptions {
  /** Pixels of a side of the model's input. */
  readonly side: number;
  /** Least objectness times class probability. */
  readonly least: number;
}

/**
 * Boxes of one image from YOLOX's raw output `[cells, 5 + classes]`, the cells of each grid row by row:
 * centre = (cell + xy) * stride, size = exp(wh) * stride, score = objectness * class probability (Ge 2021, "demo_postprocess").
 */
export function decodeYolox(output: Float32Array, { side, least }: DecodeOptions): Detection[] {
  const cells = STRIDES.reduce((sum, stride) => sum + (side / stride) ** 2, 0);
  const length = output.length / cells;
  const found: Detection[] = [];
  let at = 0;
  for (const stride of STRIDES) {
    const columns = side / stride;
    for (let cell = 0; cell < columns ** 2; cell++, at += length) {
      const [x = 0, y = 0, w = 0, h = 0, objectness = 0] = output.subarray(at, at + BEFORE_CLASSES);
      if (objectness < least) continue;
      const classes = output.subarray(at + BEFORE_CLASSES, at + length);
      const best = Math.max(...classes);
      if (objectness * best < least) continue;
      const [cx, cy] = [((cell % columns) + x) * stride, (Math.floor(cell / columns) + y) * stride];
      const [dx, dy] = [(Math.exp(w) * stride) / 2, (Math.exp(h) * stride) / 2];
      const box = [cx - dx, cy - dy, cx + dx, cy + dy] as const;
      found.push({ classIndex: classes.indexOf(best), score: objectness * best, box });
    }
  }
  return suppressOverlaps(found, MOST_OVERLAP);
}
