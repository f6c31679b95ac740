/**
 * The cheapest one-to-one assignment of rows to columns: as many pairs as there can be, of the least total cost.
 *
 * Successive shortest paths with potentials (Kuhn 1955, Munkres 1957; O(n^3) as Jonker and Volgenant 1987 have it). A cost of Infinity
 * forbids a pair; a pair more always comes before a lower cost.
 *
 * @param costs `[rows][columns]`, at least 0
 * @returns the column of each row, -1 for none
 */
export function assign(costs: readonly (readonly number[])[]): number[] {
  const rows = costs.length;
  const columns = costs[0]?.length ?? 0;
  if (columns === 0) return costs.map(() => -1);
  if (rows > columns) {
    const transposed = Array.from({ length: columns }, (_, j) => costs.map((row) => row[j]!));
    const answer = costs.map(() => -1);
    for (const [column, row] of assign(transposed).entries()) if (row >= 0) answer[row] = column;
    return answer;
  }
  // More than all allowed pairs together: no saving elsewhere pays for a forbidden pair.
  const forbidden = 1 + costs.flat().reduce((sum, cost) => (cost < Number.POSITIVE_INFINITY ? sum + cost : sum), 0);
  const costOf = (row: number, column: number): number => Math.min(forbidden, costs[row]![column]!);
  const rowPrice = new Float64Array(rows);
  const columnPrice = new Float64Array(columns);
  const rowOf = new Int32Array(columns).fill(-1);
  for (let row = 0; row < rows; row++) augment(row, { costOf, rowPrice, columnPrice, rowOf });
  const answer = costs.map(() => -1);
  for (const [column, row] of rowOf.entries()) {
    if (row >= 0 && costs[row]![column]! < Number.POSITIVE_INFINITY) answer[row] = column;
  }
  return answer;
}

interface Matching {
  readonly costOf: (row: number, column: number) => number;
  readonly rowPrice: Float64Array;
  readonly columnPrice: Float64Array;
  readonly rowOf: Int32Array;
}

/** Gives `row` a column by the shortest augmenting path. */
function augment(row: number, { costOf, rowPrice, columnPrice, rowOf }: Matching): void {
  const columns = rowOf.length;
  const shortest = new Float64Array(columns).fill(Number.POSITIVE_INFINITY);
  const before = new Int32Array(columns).fill(-1);
  const done = new Uint8Array(columns);
  let [at, atColumn] = [row, -1];
  while (at >= 0) {
    let [step, next] = [Number.POSITIVE_INFINITY, -1];
    for (let j = 0; j < columns; j++) {
      if (done[j] === 1) continue;
      const reduced = costOf(at, j) - rowPrice[at]! - columnPrice[j]!;
      if (reduced < shortest[j]!) {
        shortest[j] = reduced;
        before[j] = atColumn;
      }
      if (shortest[j]! < step) {
        step = shortest[j]!;
        next = j;
      }
    }
    rowPrice[row] = rowPrice[row]! + step;
    for (let j = 0; j < columns; j++) {
      if (done[j] === 1) {
        rowPrice[rowOf[j]!] = rowPrice[rowOf[j]!]! + step;
        columnPrice[j] = columnPrice[j]! - step;
      } else shortest[j] = shortest[j]! - step;
    }
    done[next] = 1;
    atColumn = next;
    at = rowOf[next]!;
  }
  for (let column = atColumn; column >= 0; ) {
    const previous = before[column]!;
    rowOf[column] = previous < 0 ? row : rowOf[previous]!;
    column = previous;
  }
}
