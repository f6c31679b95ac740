/** Left, top, right, bottom, in pixels of the model's input. */
export type Corners = readonly [left: number, top: number, right: number, bottom: number];

export interface Detection {
  readonly classIndex: number;
  /** 0 to 1. */
  readonly score: number;
  readonly box: Corners;
}

const areaOf = ([left, top, right, bottom]: Corners): number => Math.max(0, right - left) * Math.max(0, bottom - top);

/** Area that both cover as a share of the area that either covers, 0 to 1. */
export function intersectionOverUnion(a: Corners, b: Corners): number {
  const both = areaOf([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return both === 0 ? 0 : both / (areaOf(a) + areaOf(b) - both);
}

/** Non-maximum suppression, class by class: of boxes that overlap by more than `most` only the one of highest score stays. */
export function suppressOverlaps(detections: readonly Detection[], most: number): Detection[] {
  const kept: Detection[] = [];
  for (const each of detections.toSorted((a, b) => b.score - a.score)) {
    const hidden = kept.some(
      (other) => other.classIndex === each.classIndex && intersectionOverUnion(other.box, each.box) > most,
    );
    if (!hidden) kept.push(each);
  }
  return kept;
}
