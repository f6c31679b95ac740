/** A part of a line, as shares of its length. */
export interface Lane {
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

/** The lane in which a line was passed; null beside all of them. */
export const laneAt = (lanes: readonly Lane[], along: number): string | null =>
  lanes.find(({ from, to }) => along >= from && along < to)?.id ?? null;
