import { type Block, columnOrder, dampedBlock, permuted, type Rounded, type RoundProblem } from './problem.ts';
import { inverseCholesky } from './solve.ts';

const REFINEMENTS = 3;
const SWEEPS = 6;

/**
 * Chooses the code of every weight so that the layer's *output* changes least, given how its inputs vary together:
 * first GPTQ (Frantar 2022: each column's rounding error is passed on to the columns not yet rounded), then coordinate
 * descent (QuantEase, Behdin 2023), alternating with the closed form of each row's scale, s = q'Cw / q'Cq.
 * Nothing is trained: one solve a layer from second moments. Blocks of columns are taken as independent. In plain loops, which
 * is quickest for small layers: see `roundInProducts` for the others.
 *
 * AdaRound (Nagel 2020) on the same moments was tried in its place, for the plain grid and for codebooks (the two nearest
 * centroids), 500 to 600 steps of Adam, the pull towards 0 and 1 weighed 1, 5 and 20 against the error of nearest rounding. ResNet20, mean
 * log error of the layers' outputs, 1,024 other images' divergence, 5,000 test images:
 *   16 clusters: here -3.94, 1.9e-3, 91.64%; AdaRound -3.31, -3.64 (2.9e-3, 91.66%) and -3.73 (2.6e-3, 91.42%); nearest -2.83
 *   codes -64 to 64: here -7.61, 3.3e-4, 91.62%; AdaRound -7.48 (3.1e-4, 91.62%) and -7.50 (4.1e-4, 91.64%)
 * No difference beyond chance, at 15 times the time: it may only choose between two codes, coordinate descent among all.
 */
export function roundToCodes(problem: RoundProblem): Rounded {
  const { weights, rows, columns } = problem;
  const codes = new Int8Array(weights.length);
  const scales = problem.scales.slice();
  const blocks = problem.covariance.map((_, b) => dampedBlock(problem, b));
  for (const block of blocks) cascade(problem, block, scales, codes);
  if (problem.rate?.learns === true) problem.rate.codes.learn(codes);
  let error = 0;
  const target = new Float64Array(columns);
  const present = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const w = weights.subarray(row * columns, (row + 1) * columns);
    const q = codes.subarray(row * columns, (row + 1) * columns);
    multiply(blocks, w, target);
    multiply(blocks, q, present);
    for (let round = 0; round < REFINEMENTS; round++) {
      const changed = descend(problem, blocks, w, q, scales[row]!, target, present);
      const fitted = dot(q, target) / dot(q, present);
      if (fitted > scales[row]! / 4 && fitted < scales[row]! * 4) scales[row] = fitted;
      if (!changed) break;
    }
    const scale = scales[row]!;
    for (let i = 0; i < columns; i++) error += (w[i]! - scale * q[i]!) * (target[i]! - scale * present[i]!);
  }
  return { codes, scales, error };
}

/** GPTQ with the columns of the largest variance first: they have the most others left to absorb their error. */
function cascade(problem: RoundProblem, block: Block, scales: Float32Array, codes: Int8Array): void {
  const { weights, rows, columns, nearest, keepZero, rate } = problem;
  const { from, size } = block;
  const order = columnOrder(block);
  const factor = inverseCholesky(permuted(block, order), size);
  const moved = new Float64Array(size);
  for (let row = 0; row < rows; row++) {
    const start = row * columns + from;
    const scale = scales[row]!;
    for (let j = 0; j < size; j++) moved[j] = weights[start + order[j]!]!;
    for (let j = 0; j < size; j++) {
      const at = start + order[j]!;
      const u = moved[j]! / scale;
      // An error of e in column j costs e^2 / U_jj^2 once the columns after it have absorbed what they can (Frantar 2022, eq. 2).
      const perBit = rate === undefined ? 0 : (rate.price * (factor?.[j * size + j] ?? 0) ** 2) / (scale * scale);
      const code = keepZero && weights[at] === 0 ? 0 : rate === undefined ? nearest.of(u) : rate.codes.of(u, perBit);
      codes[at] = code;
      if (factor === undefined) continue;
      const error = (moved[j]! - scale * code) / factor[j * size + j]!;
      if (error === 0) continue;
      const line = j * size;
      for (let l = j + 1; l < size; l++) moved[l]! -= error * factor[line + l]!;
    }
  }
}

/** out = C v, block by block. */
function multiply(blocks: readonly Block[], vector: Float32Array | Int8Array, out: Float64Array): void {
  for (const { from, size, matrix } of blocks) {
    const part = Float64Array.from(vector.subarray(from, from + size));
    for (let i = 0; i < size; i++) {
      const line = i * size;
      let sum = 0;
      for (let j = 0; j < size; j++) sum += matrix[line + j]! * part[j]!;
      out[from + i] = sum;
    }
  }
}

function dot(codes: Int8Array, values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < codes.length; i++) sum += codes[i]! * values[i]!;
  return sum;
}

/**
 * Moves one code at a time to the best one given all others, until a sweep changes nothing.
 *
 * @param target C w
 * @param present C q, kept up to date
 */
function descend(
  { nearest, keepZero, rate }: RoundProblem,
  blocks: readonly Block[],
  w: Float32Array,
  q: Int8Array,
  scale: number,
  target: Float64Array,
  present: Float64Array,
): boolean {
  let changed = false;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let changes = 0;
    for (const { from, size, matrix } of blocks) {
      for (let i = 0; i < size; i++) {
        const at = from + i;
        if (keepZero && w[at] === 0) continue;
        const current = q[at]!;
        const gradient = target[at]! / scale - present[at]!;
        const own = matrix[i * size + i]!;
        const u = current + gradient / own;
        const best = rate === undefined ? nearest.of(u) : rate.codes.of(u, rate.price / (own * scale * scale));
        if (best === current) continue;
        const step = best - current;
        const line = i * size;
        for (let j = 0; j < size; j++) present[from + j]! += step * matrix[line + j]!;
        q[at] = best;
        changes++;
      }
    }
    if (changes === 0) return changed;
    changed = true;
  }
  return changed;
}
