import { WaysideError } from '../../core/errors.ts';
import type { Box } from '../image.ts';
import type { Preprocessing } from '../preprocess.ts';
import { placementOf } from '../preprocess.ts';
import { type Detection, LEAST_SCORE, suppressOverlaps } from './detection.ts';
import { boxValues, cellsOf, type DetectorHead } from './head.ts';

/** Beyond so many candidates of an image, those of lowest score go: suppression is quadratic. */
const MOST_CANDIDATES = 1000;

interface DecodeOptions {
  readonly head: DetectorHead;
  readonly preprocessing: Preprocessing;
  /** Of the image that was looked at, before preprocessing, pixels. */
  readonly image: { readonly width: number; readonly height: number };
  /** @default LEAST_SCORE */
  readonly least?: number;
}

/**
 * Classes of a detector by the size of its output.
 *
 * @param dims of the output, `[1, cells, values]`
 * @throws {WaysideError} MODEL_UNSUPPORTED where the head does not fit the output
 */
export function classesOf(
  dims: readonly (number | string)[],
  head: DetectorHead,
  size: readonly [number, number],
): number {
  const cells = cellsOf(head, size);
  const [, found, values] = dims;
  const classes = Number(values) - boxValues(head) - (head.score === 'objectness' ? 1 : 0);
  if (dims.length === 3 && (found === cells || typeof found === 'string') && classes >= 1) return classes;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message:
      `the output [${dims.join(', ')}] is none of this head: expected [1, ${cells}, ${boxValues(head)} values of a box + classes` +
      `${head.score === 'objectness' ? ' + objectness' : ''}] for an input of ${size.join('x')}`,
    hint: 'name another head, or export the detector with the raw outputs of its head',
  });
}

/** What a cell says, before boxes that overlap are suppressed. */
export interface FoundCell {
  /** Its position in the output. */
  readonly cell: number;
  /** In pixels of the input. */
  readonly box: Box;
  readonly classIndex: number;
  readonly score: number;
}

/**
 * The cells of an output that hold an object. Those whose values are not finite hold none.
 *
 * @param output `[cells, values]`
 * @param least score of its surest class
 */
export function foundCells(
  output: Float32Array,
  {
    head,
    size,
    least,
  }: { readonly head: DetectorHead; readonly size: readonly [number, number]; readonly least: number },
): FoundCell[] {
  const [height, width] = size;
  const values = output.length / cellsOf(head, size);
  const found: FoundCell[] = [];
  let index = 0;
  for (const stride of head.strides) {
    const columns = Math.ceil(width / stride);
    const rows = Math.ceil(height / stride);
    for (let cell = 0; cell < columns * rows; cell++, index++) {
      const best = bestClass(output, index * values, values, head, least);
      if (best === undefined) continue;
      const { boxAt, classIndex, score } = best;
      const box = READ[head.box](
        ...([output, index * values + boxAt, cell % columns, Math.floor(cell / columns), stride, head] as const),
      );
      if (box.every(Number.isFinite) && box[2] > 0 && box[3] > 0) found.push({ cell: index, box, classIndex, score });
    }
  }
  return found;
}

/**
 * Boxes of one image from the output of a detector, those of a class that overlap suppressed, by falling score.
 *
 * @param output `[cells, values]`
 */
export function decodeDetections(output: Float32Array, options: DecodeOptions): Detection[] {
  const { head, preprocessing, image, least = LEAST_SCORE } = options;
  const place = placementOf(preprocessing, image);
  const found = foundCells(output, { head, size: preprocessing.size, least }).map(
    ({ box, classIndex, score }): Detection => ({ box: place(box), classIndex, score }),
  );
  const candidates =
    found.length > MOST_CANDIDATES ? found.sort((a, b) => b.score - a.score).slice(0, MOST_CANDIDATES) : found;
  return suppressOverlaps(candidates, { sameClass: head.overlap });
}

interface Best {
  readonly classIndex: number;
  readonly score: number;
  readonly boxAt: number;
}

function bestClass(
  output: Float32Array,
  at: number,
  values: number,
  head: DetectorHead,
  least: number,
): Best | undefined {
  const ofBox = boxValues(head);
  const objectness = head.score === 'objectness' ? output[at + ofBox]! : 1;
  if (!(objectness >= least)) return undefined;
  const first = head.score === 'objectness' ? at + ofBox + 1 : at;
  const end = head.score === 'objectness' ? at + values : at + values - ofBox;
  let best = first;
  for (let i = first + 1; i < end; i++) if (output[i]! > output[best]!) best = i;
  const score = objectness * output[best]!;
  if (!(score >= least)) return undefined;
  return { classIndex: best - first, score: Math.min(1, score), boxAt: head.score === 'objectness' ? 0 : end - at };
}

type ReadBox = (
  output: Float32Array,
  at: number,
  column: number,
  row: number,
  stride: number,
  head: DetectorHead,
) => Box;

const centred = (x: number, y: number, width: number, height: number): Box => [
  x - width / 2,
  y - height / 2,
  width,
  height,
];

/** Boxes in pixels of the input. */
const READ: Readonly<Record<DetectorHead['box'], ReadBox>> = {
  'cell-exp': (output, at, column, row, stride) =>
    centred(
      (column + output[at]!) * stride,
      (row + output[at + 1]!) * stride,
      Math.exp(output[at + 2]!) * stride,
      Math.exp(output[at + 3]!) * stride,
    ),
  pixels: (output, at) => centred(output[at]!, output[at + 1]!, output[at + 2]!, output[at + 3]!),
  distribution: (output, at, column, row, stride, { bins = 1 }) => {
    const distance = (side: number): number => expectedBin(output, at + side * bins, bins) * stride;
    const [left, top, right, bottom] = [distance(0), distance(1), distance(2), distance(3)];
    return [column * stride - left, row * stride - top, left + right, top + bottom];
  },
};

/** Sum of i * softmax(logits)[i]. */
function expectedBin(output: Float32Array, at: number, bins: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < bins; i++) largest = Math.max(largest, output[at + i]!);
  let [sum, weighted] = [0, 0];
  for (let i = 0; i < bins; i++) {
    const weight = Math.exp(output[at + i]! - largest);
    sum += weight;
    weighted += i * weight;
  }
  return weighted / sum;
}
