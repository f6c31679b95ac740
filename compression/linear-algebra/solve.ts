import { invertedCholesky } from './cholesky.ts';
import { copyRectangle, type Matrix, type MatrixProducts } from './products.ts';

type Doubles = Matrix<Float64Array>;

/** Columns of a panel. Wider than those of `inverseFactor`: what is left of the time goes into products with so many columns between. */
const PANEL = 128;
/** Rows of the rest that are updated together, as far as its diagonal: half of a symmetric product need not be computed. */
const ROWS = 256;

/** One panel of L, C = L L': the inverse of its corner, and what stands below. */
interface Panel {
  readonly from: number;
  readonly inverse: Doubles;
  readonly below: Doubles;
}

/**
 * B inverse(C) for a positive definite matrix C, without that inverse: size^3 / 6 multiply-accumulates and size^2 for each row of B, of which all
 * but those of the panels' corners are matrix products.
 *
 * @param matrix C, `[size, size]`, symmetric; overwritten
 * @param rows B, `[any, size]`; overwritten by the result
 * @returns whether the matrix is positive definite
 * @throws AbortError when `signal` aborts, at most one panel of columns later
 */
export async function solveRows(
  matrix: Float64Array,
  rows: Doubles,
  products: MatrixProducts,
  signal?: AbortSignal,
): Promise<boolean> {
  const size = rows.columns;
  const work = { data: matrix, rows: size, columns: size };
  const panels: Panel[] = [];
  for (let from = 0; from < size; from += PANEL) {
    signal?.throwIfAborted();
    const panel = await factorPanel(work, from, products);
    if (panel === undefined) return false;
    panels.push(panel);
    await forward(rows, panel, products);
  }
  for (const panel of panels.reverse()) {
    signal?.throwIfAborted();
    await backward(rows, panel, products);
  }
  return true;
}

/** L21 = A21 inverse(L11)', and A22 -= L21 L21' in its lower triangle. */
async function factorPanel(work: Doubles, from: number, products: MatrixProducts): Promise<Panel | undefined> {
  const width = Math.min(PANEL, work.columns - from);
  const inverse = invertedCholesky(part(work, [from, from], [width, width]));
  if (inverse === undefined) return undefined;
  const next = from + width;
  const rest = work.rows - next;
  const below = zeros(rest, width);
  if (rest === 0) return { from, inverse, below };
  await products.multiply(below.data, part(work, [next, from], [rest, width]), inverse, { transposeB: true });
  for (let first = 0; first < rest; first += ROWS) {
    const last = Math.min(rest, first + ROWS);
    const some = { ...below, data: below.data.subarray(first * width, last * width), rows: last - first };
    const upTo = { ...below, data: below.data.subarray(0, last * width), rows: last };
    const change = new Float64Array((last - first) * last);
    await products.multiply(change, some, upTo, { transposeB: true });
    for (let r = first; r < last; r++) {
      const line = (next + r) * work.columns + next;
      const at = (r - first) * last;
      for (let c = 0; c <= r; c++) work.data[line + c]! -= change[at + c]!;
    }
  }
  return { from, inverse, below };
}

/** Z1 = B1 inverse(L11)', B2 -= Z1 L21'. */
async function forward(rows: Doubles, { from, inverse, below }: Panel, products: MatrixProducts): Promise<void> {
  const width = inverse.rows;
  const done = zeros(rows.rows, width);
  await products.multiply(done.data, part(rows, [0, from], [rows.rows, width]), inverse, { transposeB: true });
  copyRectangle(done, [0, 0], [rows.rows, width], rows, [0, from]);
  if (below.rows === 0) return;
  const change = zeros(rows.rows, below.rows);
  await products.multiply(change.data, done, below, { transposeB: true });
  for (let r = 0; r < rows.rows; r++) {
    const line = r * rows.columns + from + width;
    for (let c = 0; c < below.rows; c++) rows.data[line + c]! -= change.data[r * below.rows + c]!;
  }
}

/** X1 = (Z1 - X2 L21) inverse(L11). */
async function backward(rows: Doubles, { from, inverse, below }: Panel, products: MatrixProducts): Promise<void> {
  const width = inverse.rows;
  const left = part(rows, [0, from], [rows.rows, width]);
  const found = zeros(rows.rows, width);
  if (below.rows > 0) {
    const behind = part(rows, [0, from + width], [rows.rows, below.rows]);
    await products.multiply(found.data, behind, below);
    for (let i = 0; i < found.data.length; i++) left.data[i]! -= found.data[i]!;
  }
  await products.multiply(found.data, left, inverse);
  copyRectangle(found, [0, 0], [rows.rows, width], rows, [0, from]);
}

const zeros = (rows: number, columns: number): Doubles => ({ data: new Float64Array(rows * columns), rows, columns });

function part(matrix: Doubles, corner: readonly [number, number], [rows, columns]: readonly [number, number]): Doubles {
  const copy = zeros(rows, columns);
  copyRectangle(matrix, corner, [rows, columns], copy);
  return copy;
}
