import { type FoundCell, foundCells } from '../../inference/heads/decode.ts';
import { intersectionOverUnion } from '../../inference/heads/detection.ts';
import type { Predictions } from './predictions.ts';

/** Below, no tracker looks at a box; half of it is seen coming. */
const LEAST_SCORE = 0.05;

/**
 * How far the boxes of a detector are from those of the float model, as a share of all that this one found: 0 when nothing changed, 1 is
 * as bad as finding nothing. Cell by cell, before boxes that overlap are suppressed: scores and edges that move a little move it a little,
 * where a count of boxes would not change or jump. A cell errs by what its score is off, and by that part of its box that is not shared;
 * in another class it errs by both scores.
 *
 * Background, most of what a detector says, has no part in it: ranges of least noise clip the few large values that are its boxes
 * (YOLOX-Nano: scores 0.05 to 0.07 off instead of 0.02 to 0.05).
 *
 * @returns undefined where the float model found nothing
 */
export function boxDistance(
  expected: Predictions,
  got: Predictions,
  { head, size }: NonNullable<Predictions['boxes']>,
): number | undefined {
  let [error, all] = [0, 0];
  for (const [image, values] of (expected.values?.[0] ?? []).entries()) {
    const options = { head, size, least: LEAST_SCORE };
    const wanted = foundCells(values, options);
    const others = new Map(foundCells(got.values?.[0]?.[image] ?? values, options).map((cell) => [cell.cell, cell]));
    for (const cell of wanted) {
      error += errorOf(cell, others.get(cell.cell));
      all += cell.score;
      others.delete(cell.cell);
    }
    for (const { score } of others.values()) error += score;
  }
  return all === 0 ? undefined : error / all;
}

function errorOf(wanted: FoundCell, got: FoundCell | undefined): number {
  if (got === undefined) return wanted.score;
  if (got.classIndex !== wanted.classIndex) return wanted.score + got.score;
  const apart = 1 - intersectionOverUnion(wanted.box, got.box);
  return Math.abs(wanted.score - got.score) + Math.min(wanted.score, got.score) * apart;
}
