import { copyRectangle, type Matrix, type MatrixProducts } from './products.ts';

type Doubles = Matrix<Float64Array>;

/** Columns of a panel: 64 x 64 is 45,000 multiply-accumulates of each factorization in loops, as long as two calls of a product. */
const PANEL = 64;

const zeros = (rows: number, columns: number): Doubles => ({ data: new Float64Array(rows * columns), rows, columns });

/**
 * The upper triangular factor U of the inverse of a positive definite matrix, inverse(C) = U'U, in blocks: nearly all of its size^3 / 1.5
 * multiply-accumulates are matrix products. See `inverseCholesky` in `rounding/solve.ts` for what U is good for; both agree but for
 * the order in which float64 sums are taken.
 *
 * With the columns in reverse order C = L L', and U is inverse(L) reversed back.
 *
 * @param matrix `[size, size]` row-major, symmetric; not changed
 * @returns undefined where the matrix is not positive definite
 * @throws AbortError when `signal` aborts, at most one panel of columns later
 */
export async function inverseFactor(
  matrix: Float64Array,
  size: number,
  products: MatrixProducts,
  signal?: AbortSignal,
): Promise<Float64Array | undefined> {
  const { workspace } = products;
  const work: Doubles = { data: workspace.doubles('factored', size * size), rows: size, columns: size };
  work.data.set(matrix.subarray(0, size * size));
  work.data.reverse();
  const scratch = workspace.doubles('factor scratch', size * size);
  const diagonals: Doubles[] = [];
  for (let from = 0; from < size; from += PANEL) {
    signal?.throwIfAborted();
    const inverse = await eliminatePanel(work, from, Math.min(PANEL, size - from), scratch, products);
    if (inverse === undefined) return undefined;
    diagonals.push(inverse);
  }
  return (await invertFactor(work, diagonals, scratch, products, signal)).data.reverse();
}

/**
 * Factors one panel of columns of what is left of the matrix and takes it out of the rest: L21 = A21 inverse(L11)', A22 -= L21 L21'.
 *
 * @returns inverse(L11)
 */
async function eliminatePanel(
  work: Doubles,
  from: number,
  width: number,
  scratch: Float64Array,
  products: MatrixProducts,
): Promise<Doubles | undefined> {
  const corner = zeros(width, width);
  copyRectangle(work, [from, from], [width, width], corner);
  const inverse = invertedCholesky(corner);
  if (inverse === undefined) return undefined;
  const next = from + width;
  const rest = work.rows - next;
  if (rest === 0) return inverse;
  const below = { data: products.workspace.doubles('below', rest * width), rows: rest, columns: width };
  copyRectangle(work, [next, from], [rest, width], below);
  const panel = { data: products.workspace.doubles('panel', rest * width), rows: rest, columns: width };
  await products.multiply(panel.data, below, inverse, { transposeB: true });
  copyRectangle(panel, [0, 0], [rest, width], work, [next, from]);
  await products.multiply(scratch, panel, panel, { transposeB: true });
  for (let r = 0; r < rest; r++) {
    const line = (next + r) * work.columns + next;
    for (let c = 0; c <= r; c++) work.data[line + c]! -= scratch[r * rest + c]!;
  }
  return inverse;
}

/** Of row block i: inverse[i][j] = -inverse(L[i][i]) sum over k < i of L[i][k] inverse[k][j]. */
async function invertFactor(
  factor: Doubles,
  diagonals: readonly Doubles[],
  scratch: Float64Array,
  products: MatrixProducts,
  signal: AbortSignal | undefined,
): Promise<Doubles> {
  const { workspace } = products;
  const inverse = zeros(factor.rows, factor.columns);
  for (const [i, diagonal] of diagonals.entries()) {
    signal?.throwIfAborted();
    const from = i * PANEL;
    const width = diagonal.rows;
    copyRectangle(diagonal, [0, 0], [width, width], inverse, [from, from]);
    if (from === 0) continue;
    const left = { data: workspace.doubles('below', width * from), rows: width, columns: from };
    copyRectangle(factor, [from, 0], [width, from], left);
    const above = { data: scratch, rows: from, columns: from };
    copyRectangle(inverse, [0, 0], [from, from], above);
    const sums = { data: workspace.doubles('panel', width * from), rows: width, columns: from };
    await products.multiply(sums.data, left, above);
    const found = { data: workspace.doubles('found', width * from), rows: width, columns: from };
    await products.multiply(found.data, diagonal, sums);
    for (let at = 0; at < found.data.length; at++) found.data[at] = -found.data[at]!;
    copyRectangle(found, [0, 0], [width, from], inverse, [from, 0]);
  }
  return inverse;
}

/** inverse(L) of a small positive definite matrix L L'; only its lower triangle is read. */
export function invertedCholesky({ data, rows: size }: Doubles): Doubles | undefined {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = data[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * size + k]! * lower[j * size + k]!;
      if (i > j) lower[i * size + j] = sum / lower[j * size + j]!;
      else if (sum > 0) lower[i * size + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  const inverse = zeros(size, size);
  for (let i = 0; i < size; i++) {
    const diagonal = lower[i * size + i]!;
    inverse.data[i * size + i] = 1 / diagonal;
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum += lower[i * size + k]! * inverse.data[k * size + j]!;
      inverse.data[i * size + j] = -sum / diagonal;
    }
  }
  return inverse;
}
