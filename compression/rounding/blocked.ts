import type { Turn } from '../../core/turns.ts';
import { inverseFactor } from '../linear-algebra/cholesky.ts';
import type { MatrixProducts } from '../linear-algebra/products.ts';
import { columnOrder, dampedBlock, permuted, type Rounded, type RoundProblem } from './problem.ts';
import { type PreparedBlock, RowSums, type Spread, Tile } from './tile.ts';

/** Weights in hand at a time, 2 MB: they stay in the cache, and an interrupt is heard between two of them. */
const TILE_WEIGHTS = 2 ** 19;
/** Sweeps of coordinate descent before the scales are fitted, and after. The last ones of six changed a weight in a thousand. */
const SWEEPS = [3, 2];

/**
 * `roundToCodes` for large layers: the same two methods, with all but a stripe of columns done by matrix products. A tile of rows is taken
 * through GPTQ (what earlier columns pass on is one product a stripe) and sweeps of coordinate descent (the gradient of a stripe is one
 * product; inside it, weights are chosen one after the other given all others), then scales are fitted and the codes descended once more.
 * Sums are taken in float32, factors in float64.
 *
 * It leaves what the loops leave: the tests hold it to their error, within a percent.
 *
 * @throws the reason of the turn's signal, a tile and a stripe later at most
 */
export async function roundInProducts(problem: RoundProblem, products: MatrixProducts, turn: Turn): Promise<Rounded> {
  const { rows, weights, covariance } = problem;
  const codes = new Int8Array(weights.length);
  const scales = problem.scales.slice();
  const blocks: PreparedBlock[] = [];
  let error = 0;
  for (const [pass, sweeps] of SWEEPS.entries()) {
    const sums = new RowSums(rows);
    for (let b = 0; b < covariance.length; b++) {
      const { block, spread } = pass === 0 ? await prepared(problem, b, products) : { block: blocks[b]! };
      if (pass === 0) blocks.push(block);
      const tile = Math.max(1, Math.min(rows, Math.floor(TILE_WEIGHTS / block.size)));
      for (let row = 0; row < rows; row += tile) {
        await turn();
        const part = new Tile(problem, block, { row, rows: Math.min(tile, rows - row) }, scales, products);
        if (pass === 0) await part.cascade(spread, turn);
        else part.resume(codes);
        await part.descend(sweeps, turn);
        await part.sum(sums);
        part.store(codes);
      }
    }
    if (problem.rate?.learns === true) problem.rate.codes.learn(codes);
    error = 0;
    for (let row = 0; row < rows; row++) {
      const [energy, cross, own] = [sums.energy[row]!, sums.cross[row]!, sums.own[row]!];
      const fitted = cross / own;
      if (fitted > scales[row]! / 4 && fitted < scales[row]! * 4) scales[row] = fitted;
      error += energy - scales[row]! * (2 * cross - scales[row]! * own);
    }
  }
  return { codes, scales, error: Math.max(0, error) };
}

/**
 * @returns the block, and GPTQ's factor with each row divided by its diagonal: until the next block is prepared, and not where its covariance
 * has no factor
 */
async function prepared(
  problem: RoundProblem,
  b: number,
  products: MatrixProducts,
): Promise<{ readonly block: PreparedBlock; readonly spread?: Spread | undefined }> {
  const { workspace } = products;
  const length = problem.covariance[b]?.length ?? 0;
  const damped = dampedBlock(problem, b, workspace.doubles('damped', length));
  const { from, size } = damped;
  const order = columnOrder(damped);
  const matrix = permuted(damped, order, workspace.doubles('permuted', length));
  const factor = await inverseFactor(matrix, size, products);
  const block = { from, size, order, covariance: new Float32Array(matrix) };
  return { block, spread: factor && normalized(factor, size, workspace.floats('spread', length)) };
}

/** Above the diagonal: nothing else is read of the rows. */
function normalized(factor: Float64Array, size: number, spread: Float32Array): Spread {
  const squares = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    const diagonal = factor[j * size + j]!;
    squares[j] = diagonal * diagonal;
    for (let l = j + 1; l < size; l++) spread[j * size + l] = factor[j * size + l]! / diagonal;
  }
  return { rows: spread, squares };
}
