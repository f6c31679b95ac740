import { assign } from './assignment.ts';

/**
 * The cheapest one-to-one assignment of rows to columns where a row without a column costs what `alone` says: no pair of it that costs more is
 * made. What competes for nothing, as nearly all do, is paired at once; only rows and columns that allowed pairs link are weighed against
 * each other.
 *
 * @param costs `[rows][columns]`, at least 0; those not below what the row costs alone are forbidden
 * @returns the column of each row, -1 for none
 */
export function worthwhilePairs(costs: readonly (readonly number[])[], alone: readonly number[]): number[] {
  const answer = costs.map(() => -1);
  const rowsOf = new Map<number, number[]>();
  for (const [row, own] of costs.entries()) {
    for (let column = 0; column < own.length; column++) {
      if (own[column]! >= alone[row]!) continue;
      const rows = rowsOf.get(column);
      if (rows === undefined) rowsOf.set(column, [row]);
      else rows.push(row);
    }
  }
  const seen = new Set<number>();
  for (let row = 0; row < costs.length; row++) {
    if (seen.has(row)) continue;
    const { rows, columns } = linked(row, costs, rowsOf, { seen, alone });
    if (columns.length === 0) continue;
    const [only] = columns;
    if (rows.length === 1 && columns.length === 1 && only !== undefined) {
      answer[row] = only;
      continue;
    }
    const part = rows.map((each) => {
      const most = alone[each]!;
      return [...columns.map((column) => allowed(costs[each]![column]!, most)), ...rows.map(() => most)];
    });
    for (const [i, at] of assign(part).entries()) answer[rows[i]!] = columns[at] ?? -1;
  }
  return answer;
}

const allowed = (cost: number, most: number): number => (cost < most ? cost : Number.POSITIVE_INFINITY);

/** The rows and columns that allowed pairs link to `row`, by rising number. */
function linked(
  row: number,
  costs: readonly (readonly number[])[],
  rowsOf: ReadonlyMap<number, readonly number[]>,
  { seen, alone }: { readonly seen: Set<number>; readonly alone: readonly number[] },
): { readonly rows: number[]; readonly columns: number[] } {
  const rows = [row];
  const columns = new Set<number>();
  seen.add(row);
  for (let i = 0; i < rows.length; i++) {
    const own = costs[rows[i]!]!;
    const most = alone[rows[i]!]!;
    for (let column = 0; column < own.length; column++) {
      if (own[column]! >= most || columns.has(column)) continue;
      columns.add(column);
      for (const other of rowsOf.get(column) ?? []) {
        if (seen.has(other)) continue;
        seen.add(other);
        rows.push(other);
      }
    }
  }
  const byNumber = (a: number, b: number): number => a - b;
  return { rows: rows.sort(byNumber), columns: [...columns].sort(byNumber) };
}
