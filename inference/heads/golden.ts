import { WaysideError } from '../../core/errors.ts';
import { verifyGolden } from '../golden.ts';
import { GOLDEN_TOLERANCE, GOLDEN_VALUES, type GoldenSample } from '../golden-sample.ts';
import type { RgbImage } from '../image.ts';
import type { Preprocessing } from '../preprocess.ts';
import type { Session } from '../session.ts';
import { type Head, outputLength } from './any-head.ts';
import { type Detection, intersectionOverUnion } from './detection.ts';
import { createDetector } from './detector.ts';

/** Boxes that a processor may draw a little otherwise are the same from here on. */
const LEAST_OVERLAP = 0.75;

/** Scores under this and twice the tolerance may come and go with it. */
const LEAST_SCORE = 0.1;

const flat = ({ classIndex, score, box }: Detection): number[] => [classIndex, score, ...box];

const boxesOf = (values: Float32Array): Detection[] =>
  Array.from({ length: values.length / GOLDEN_VALUES }, (_, i) => {
    const [classIndex = 0, score = 0, x = 0, y = 0, w = 0, h = 0] = values.subarray(i * GOLDEN_VALUES);
    return { classIndex, score, box: [x, y, w, h] };
  });

/**
 * Records what a model finds in images.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED, MODEL_NOT_FINITE, SESSION_RUN
 */
export async function recordDetections(
  session: Session,
  head: Head,
  preprocessing: Preprocessing,
  images: Iterable<RgbImage> | AsyncIterable<RgbImage>,
): Promise<GoldenSample[]> {
  const detector = createDetector(session, head, preprocessing);
  const samples: GoldenSample[] = [];
  for await (const image of images) {
    const { detections } = await detector.detect(image);
    samples.push({ image, scores: Float32Array.from(detections.flatMap(flat)) });
  }
  return samples;
}

interface FindingOptions {
  readonly head: Head;
  readonly classes: number;
  readonly preprocessing: Preprocessing;
  readonly tolerance: number;
}

/**
 * Checks that a model gives for the samples what it gave when they were recorded: boxes, or all of a grid's output where that is what
 * was recorded.
 *
 * @throws {WaysideError} GOLDEN_MISMATCH; MODEL_UNSUPPORTED, MODEL_NOT_FINITE, PREPROCESS_MISMATCH, SESSION_RUN
 */
export async function verifyFinding(
  session: Session,
  { head, classes, preprocessing, tolerance }: FindingOptions,
  samples: readonly GoldenSample[],
): Promise<void> {
  const length = outputLength(head, preprocessing.size, classes);
  const isWhole = ({ scores }: GoldenSample): boolean => 'stride' in head && scores.length === length;
  await verifyGolden(session, preprocessing, samples.filter(isWhole), tolerance);
  const boxes = samples.filter((sample) => !isWhole(sample));
  await verifyDetections(session, head, preprocessing, boxes, tolerance);
}

/**
 * Checks that a model finds in the samples what was found when they were recorded: every box that is clearly there in the same class
 * and place, its score within the tolerance, and none besides.
 *
 * @param tolerance of a score, which is 0 to 1
 * @throws {WaysideError} GOLDEN_MISMATCH; MODEL_UNSUPPORTED, MODEL_NOT_FINITE, SESSION_RUN
 */
export async function verifyDetections(
  session: Session,
  head: Head,
  preprocessing: Preprocessing,
  samples: readonly GoldenSample[],
  tolerance = GOLDEN_TOLERANCE,
): Promise<void> {
  const detector = createDetector(session, head, preprocessing);
  const isClear = ({ score }: Detection): boolean => score >= LEAST_SCORE + 2 * tolerance;
  for (const [index, { image, scores }] of samples.entries()) {
    const expected = boxesOf(scores);
    const { detections } = await detector.detect(image);
    const missed = expected.filter(isClear).find((box) => !isAmong(detections, box, tolerance));
    if (missed !== undefined) throw differs(index, `a box ${said(missed)}`, 'none like it');
    const besides = detections.filter(isClear).find((box) => !isAmong(expected, box, tolerance));
    if (besides !== undefined) throw differs(index, 'no box there', `one ${said(besides)}`);
  }
}

const isAmong = (boxes: readonly Detection[], { classIndex, score, box }: Detection, tolerance: number): boolean =>
  boxes.some(
    (other) =>
      other.classIndex === classIndex &&
      Math.abs(other.score - score) <= tolerance &&
      intersectionOverUnion(other.box, box) >= LEAST_OVERLAP,
  );

const said = ({ classIndex, score, box }: Detection): string =>
  `of class ${classIndex}, score ${score.toFixed(2)}, at ${box.map((share) => share.toFixed(2)).join(' ')}`;

const differs = (index: number, expected: string, got: string): WaysideError =>
  new WaysideError('GOLDEN_MISMATCH', {
    message: `golden sample ${index}: expected ${expected}, got ${got}`,
    hint: 'this processor does not compute what the model was measured with: use a package made for this target',
  });
