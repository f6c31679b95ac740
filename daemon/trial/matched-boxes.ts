import { intersectionOverUnion } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';

export interface ReportedBox {
  readonly box: Box;
  readonly class: string;
  readonly score: number;
}

/** Two boxes of one object overlap by at least half (the rule of Pascal VOC). */
const SAME_OBJECT = 0.5;

/** Pairs of boxes of one class, one of each side, that overlap by half; each box in one pair, those that overlap most first. */
export function matchedBoxes(
  some: readonly ReportedBox[],
  others: readonly ReportedBox[],
): (readonly [ReportedBox, ReportedBox])[] {
  const pairs = some
    .flatMap((one) =>
      others
        .filter((other) => other.class === one.class)
        .map((other) => ({ one, other, overlap: intersectionOverUnion(one.box, other.box) })),
    )
    .filter(({ overlap }) => overlap >= SAME_OBJECT)
    .sort((a, b) => b.overlap - a.overlap);
  const taken = new Set<ReportedBox>();
  return pairs.flatMap(({ one, other }): [ReportedBox, ReportedBox][] => {
    if (taken.has(one) || taken.has(other)) return [];
    taken.add(one).add(other);
    return [[one, other]];
  });
}
