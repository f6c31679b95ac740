import type { Layer } from '../../compression/layers.ts';
import { WaysideError } from '../../core/errors.ts';
import { INTEGER_RANGE } from '../../core/narrow.ts';
import type { LayerWeights } from './layer-weights.ts';
import type { ActivationScale } from './scales.ts';

const [, MOST] = INTEGER_RANGE.int32;

/** Smallest float32 with all its bits: below it the scale of a bias would lose them one by one. */
const LEAST_NORMAL = 2 ** -126;

/** Times a scale is doubled until rounding has nothing left to add. */
const DOUBLINGS = 64;

/**
 * The weights with a wider scale for every channel whose int32 bias, or whose sum of products and bias, would not fit int32 on some
 * input. A bias is stored in units of input scale * weight scale: where normalisation left a channel tiny weights or calibration an
 * input that was 0 throughout, those units are far smaller than the bias they must reach (2^31 of them). A wider scale costs nothing there:
 * a bias of 2^30 units is answered with 8 bits, and a rounded weight is wrong by half a unit times 255.
 *
 * @param scales of activations, by value
 * @returns the same objects where everything fits
 * @throws {WaysideError} INTEGER_OVERFLOW where the codebook of a channel leaves no code small enough
 */
export function withinAccumulators<T extends LayerWeights>(
  layers: readonly Layer[],
  weights: ReadonlyMap<string, T>,
  scales: ReadonlyMap<string, ActivationScale>,
): ReadonlyMap<string, T> {
  const fitting = new Map(weights);
  for (const { node, input } of layers) {
    const [own, scale] = [weights.get(node.name), scales.get(input)];
    if (own !== undefined && scale !== undefined) fitting.set(node.name, fitted(node.name, own, scale));
  }
  return fitting;
}

function fitted<T extends LayerWeights>(name: string, weights: T, input: ActivationScale): T {
  const rows = weights.scales.length;
  const columns = weights.codes.length / rows;
  const tight = Array.from({ length: rows }, (_, row) => row).filter((row) => !fits(weights, row, columns, input));
  if (tight.length === 0) return weights;
  const wider = { ...weights, codes: weights.codes.slice(), scales: weights.scales.slice() };
  for (const row of tight) {
    const scale = startingScale(weights, row, columns, input);
    let step = 0;
    do {
      if (step === DOUBLINGS) throw impossible(name, row);
      rescale(wider, weights, row, columns, Math.fround(scale * 2 ** step));
      step++;
    } while (!fits(wider, row, columns, input));
  }
  return wider;
}

/** Half of what int32 holds for the bias, half for the products. */
function startingScale(weights: LayerWeights, row: number, columns: number, input: ActivationScale): number {
  const scale = weights.scales[row]!;
  const bias = Math.abs(weights.bias?.[row] ?? 0);
  const [low, high] = reachOf(weights.codes, row, columns, input.zeroPoint);
  const forProducts = (scale * Math.max(-low, high)) / (MOST / 2);
  // A little above the least, so that the product is no less after it was rounded to float32.
  return Math.max(scale, bias / input.scale / (MOST / 2), forProducts, (1.001 * LEAST_NORMAL) / input.scale);
}

/** `row` of the original in a new scale: each code the nearest that its codebook, or int8, has. */
function rescale(into: LayerWeights, from: LayerWeights, row: number, columns: number, scale: number): void {
  const { length: groups } = from.codebooks;
  const codebook = from.codebooks[Math.floor((row * groups) / from.scales.length)];
  const factor = from.scales[row]! / scale;
  into.scales[row] = scale;
  for (let at = row * columns; at < (row + 1) * columns; at++) {
    const exact = from.codes[at]! * factor;
    into.codes[at] = codebook === undefined ? Math.round(exact) : nearestOf(codebook, exact);
  }
}

const nearestOf = (codebook: Int8Array, exact: number): number =>
  codebook.reduce((best, code) => (Math.abs(code - exact) < Math.abs(best - exact) ? code : best), codebook[0] ?? 0);

function fits({ codes, scales, bias }: LayerWeights, row: number, columns: number, input: ActivationScale): boolean {
  const unit = Math.fround(scales[row]! * input.scale);
  if (!(unit >= LEAST_NORMAL)) return false;
  const code = Math.round((bias?.[row] ?? 0) / unit);
  if (Math.abs(code) + columns * 255 * 128 <= MOST) return true;
  const [low, high] = reachOf(codes, row, columns, input.zeroPoint);
  return code + high <= MOST && code + low >= -MOST;
}

/** Lowest and highest sum of a row's products with any uint8 input, its zero point taken off. */
function reachOf(codes: Int8Array, row: number, columns: number, zeroPoint: number): readonly [number, number] {
  let [low, high] = [0, 0];
  for (let at = row * columns; at < (row + 1) * columns; at++) {
    const code = codes[at]!;
    low += code > 0 ? -code * zeroPoint : code * (255 - zeroPoint);
    high += code > 0 ? code * (255 - zeroPoint) : -code * zeroPoint;
  }
  return [low, high];
}

const impossible = (name: string, row: number): WaysideError =>
  new WaysideError('INTEGER_OVERFLOW', {
    message: `channel ${row} of ${name} fits int32 with no scale: its codebook has no code near 0`,
    hint: 'give the layer more --clusters, or none',
  });
