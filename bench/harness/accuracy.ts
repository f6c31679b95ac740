import { mapped, pairedCounts, pairedDifference, wilson } from '../../core/intervals.ts';
import type { Figure, Limit } from './benchmark.ts';
import type { CompressReport } from './process/child.ts';

/** Said with every comparison. */
export const PAIRED_NOTE =
  "in square brackets: 95% intervals, of one accuracy by Wilson, of the difference of two on the same images by McNemar's exact test and Tango; only what lies wholly on one side of 0 is a difference";

/** Top-1 with its interval. @param top1 0 to 1 */
export function accuracyFigure(
  subject: string,
  { top1, samples }: { readonly top1: number; readonly samples?: number | undefined },
  measure = 'top-1',
): Figure {
  const figure = { subject, measure, value: top1 * 100, unit: '%' };
  if (samples === undefined) return figure;
  const interval = mapped(wilson(Math.round(top1 * samples), samples), (share) => 100 * share);
  return { ...figure, interval };
}

/**
 * What a compressed model lost, with its interval. The limit is on what was seen: chance does not excuse a loss.
 *
 * @param limit points
 */
export function lossFigure(subject: string, { baseline, candidate, change }: CompressReport, limit?: number): Figure {
  return {
    subject,
    measure: 'loss',
    value: (baseline.top1 - candidate.top1) * 100,
    unit: 'points',
    interval: { low: -change.high, high: -change.low },
    ...(limit === undefined ? {} : { limit: { atMost: limit } }),
  };
}

/**
 * How much more one of two models got right on the same images than the other, whom it must not be clearly worse than.
 *
 * @param own whether each image was answered rightly
 */
export function aboveFigure(
  subject: string,
  measure: string,
  own: readonly boolean[],
  other: readonly boolean[],
): Figure {
  const counts = pairedCounts(other, own);
  const limit: Limit = { notBelow: 0 };
  return {
    subject,
    measure,
    value: (100 * (counts.won - counts.lost)) / Math.max(1, counts.total),
    unit: 'points',
    interval: mapped(pairedDifference(counts), (share) => 100 * share),
    limit,
  };
}
