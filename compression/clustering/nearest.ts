/**
 * The nearest of a set of codes, in O(1): a table over cells of half a code. Two codes of the grid meet at a multiple
 * of a half, so a cell never has two answers; a value exactly between two codes goes to the larger, as Math.round does.
 */
export interface NearestCode {
  /** Ascending. */
  readonly codes: Int8Array;
  /** The code nearest to `u`, a weight divided by its scale. */
  of(u: number): number;
}

export function nearestCode(codes: Int8Array): NearestCode {
  const lowest = codes[0] ?? 0;
  const highest = codes[codes.length - 1] ?? 0;
  const table = new Int8Array(2 * (highest - lowest) + 1);
  let at = 0;
  for (let cell = 0; cell < table.length; cell++) {
    const middle = lowest + cell / 2 + 0.25;
    while (at + 1 < codes.length && 2 * middle > codes[at]! + codes[at + 1]!) at++;
    table[cell] = codes[at]!;
  }
  const last = table.length - 1;
  const of = (u: number): number => {
    const cell = 2 * (u - lowest);
    return table[cell < last ? (cell > 0 ? cell | 0 : 0) : last]!;
  };
  return { codes, of };
}

/** Every code from -limit to limit. */
export const fullGrid = (limit: number): Int8Array => Int8Array.from({ length: 2 * limit + 1 }, (_, i) => i - limit);
