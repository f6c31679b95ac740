import { WaysideError } from '../../core/errors.ts';

/** Consecutive positions of a data set, counted from 0: `from` belongs to it, `to` does not. */
export interface PositionRange {
  readonly from: number;
  /** Absent: to the end of the set. */
  readonly to?: number;
}

const RANGE = /^(\d+)-(\d*)$/;

/**
 * Reads `37500-40000`: the 2,500 images at positions 37,500 to 39,999. `37500-` goes to the end; several ranges are joined by commas.
 *
 * @returns undefined for a text that is no such list, or that names a range without an image
 */
export function parseRanges(text: string): readonly PositionRange[] | undefined {
  const ranges: PositionRange[] = [];
  for (const part of text.split(',')) {
    const [, first, last = ''] = RANGE.exec(part.trim()) ?? [];
    if (first === undefined) return undefined;
    const range = last === '' ? { from: Number(first) } : { from: Number(first), to: Number(last) };
    if (!Number.isSafeInteger(range.from) || (range.to ?? Number.POSITIVE_INFINITY) <= range.from) return undefined;
    ranges.push(range);
  }
  return ranges;
}

export const printRanges = (ranges: readonly PositionRange[]): string =>
  ranges.map(({ from, to }) => `${from}-${to ?? ''}`).join(',');

/**
 * The positions that ranges name in a set of this size, in its order, each once.
 *
 * @throws {WaysideError} DATASET_INVALID for a range that reaches past the end
 */
export function positionsInRanges(ranges: readonly PositionRange[], size: number): readonly number[] {
  const named = new Set<number>();
  for (const { from, to = size } of ranges) {
    if (to > size || from >= size) {
      throw new WaysideError('DATASET_INVALID', {
        message: `range ${printRanges([{ from, to }])} reaches past the end of a set of ${size} images`,
        hint: `positions count from 0, and the second is not included: the last image alone is ${size - 1}-${size}`,
      });
    }
    for (let position = from; position < to; position++) named.add(position);
  }
  return [...named].sort((a, b) => a - b);
}
