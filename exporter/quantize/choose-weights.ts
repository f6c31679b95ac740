import { clusterWeights, usedCodes } from '../../compression/clustering/cluster.ts';
import { coarserScales, constrainEntropy } from '../../compression/clustering/entropy-constrained.ts';
import { fullGrid, type NearestCode, nearestCode } from '../../compression/clustering/nearest.ts';
import { pricedCodes } from '../../compression/clustering/priced-codes.ts';
import { absmaxScales, searchScale, type WeightRows } from '../../compression/clustering/scales.ts';
import { type Layer, weightRows } from '../../compression/layers.ts';
import type { MatrixProducts } from '../../compression/linear-algebra/products.ts';
import { roundByOutput } from '../../compression/rounding/by-output.ts';
import { type InputMoments, type InputVariances, variancesOf } from '../../compression/rounding/moments.ts';
import { roundToNearest } from '../../compression/rounding/nearest.ts';
import { outputNoise } from '../../compression/rounding/noise.ts';
import type { CodePrices } from '../../compression/rounding/problem.ts';
import { type Turn, turnsOf } from '../../core/turns.ts';
import { indexBitsFor } from './codebook.ts';
import type { LayerWeights } from './layer-weights.ts';

interface WeightOptions {
  /** Largest code of the target. */
  readonly limit: number;
  /** Weight values per layer, or per group of output channels; without it weights are quantized only. */
  readonly clusters?: number | undefined;
  /** @default 1 */
  readonly groups?: number | undefined;
  /**
   * What a bit of the codes is worth, as a share of the variance of the layer's output: codes that an entropy coder makes shorter are
   * taken where they cost less than that. @default 0: bits are free
   */
  readonly lambda?: number | undefined;
}

export interface DecidedWeights extends LayerWeights {
  /** Signal to quantization noise of the layer's outputs in dB, from the second moments of its inputs. */
  readonly snr: number;
}

/**
 * Decides the codes, scales and bias of one layer: codebook (or the full grid), a scale per output channel, then rounding
 * that minimises the error of the layer's output, and the bias that makes the mean of the output what it was:
 * b' = b + (W - W^) E[x].
 *
 * Because the bias takes the mean error away, columns are weighted by the variance of their input, not by E[x^2]. Where only the
 * variances of the inputs are known, the nearest codes are taken.
 *
 * @throws the reason of `signal`, within a second whatever the size of the layer
 */
export async function decideWeights(
  layer: Layer,
  moments: InputMoments | InputVariances,
  options: WeightOptions,
  products: MatrixProducts,
  signal?: AbortSignal,
): Promise<DecidedWeights> {
  const { limit, clusters, groups = 1, lambda = 0 } = options;
  const { rows, columns } = layer;
  const turn = turnsOf(signal);
  const weights = weightRows(layer);
  const variances = variancesOf(moments);
  const matrix: WeightRows = { weights, rows, columns, importance: floored(variances) };
  const power = await signalOf(matrix, variances, turn);
  const price = lambda * power;
  const clustered = clusters === undefined ? undefined : clusterWeights(matrix, { k: clusters, limit, groups, price });
  const grid = nearestCode(fullGrid(limit));
  const started = clustered ?? (await startOf(matrix, { limit, grid, price }, turn));
  const startingScales = started.scales;
  const codes = new Int8Array(weights.length);
  const scales = new Float32Array(rows);
  let noise = 0;
  const parts = Math.max(layer.groups, groups);
  const perPart = rows / parts;
  for (let part = 0; part < parts; part++) {
    const from = part * perPart;
    const group = Math.floor((part * layer.groups) / parts);
    const problem = {
      weights: weights.subarray(from * columns, (from + perPart) * columns),
      rows: perPart,
      columns,
      scales: startingScales.subarray(from, from + perPart),
      nearest: clustered === undefined ? grid : nearestCode(clustered.codebooks[Math.floor((part * groups) / parts)]!),
      keepZero: clustered?.zeroKept ?? false,
      rate:
        price > 0
          ? pricesOf(started, { price, learns: parts === groups }, Math.floor((part * groups) / parts))
          : undefined,
    };
    await turn();
    const rounded =
      'variances' in moments
        ? await roundToNearest(
            { ...problem, variances: variances.subarray(group * columns, (group + 1) * columns) },
            turn,
          )
        : await roundByOutput(
            { ...problem, blockColumns: moments.blockColumns, covariance: moments.covariance[group]! },
            products,
            turn,
          );
    codes.set(rounded.codes, from * columns);
    scales.set(rounded.scales, from);
    noise += rounded.error;
  }
  const codebooks = clustered === undefined ? [] : codebooksOf(codes, groups);
  const bias = await correctedBias(layer, weights, { codes, scales }, moments.mean, turn);
  const snr = decibelsOf(power, noise);
  return { codes, scales, bias, codebooks, indexBits: indexBitsFor(clusters ?? 256), snr };
}

const decibelsOf = (signal: number, noise: number): number => 10 * Math.log10(signal / Math.max(noise, 1e-30));

/**
 * What `decideWeights` says of the weights that it decided, of any others: signal to noise of the layer's output in dB where its float
 * weights are replaced by these and nothing else is.
 *
 * @throws the reason of `signal`
 */
export async function signalToNoise(
  layer: Layer,
  { codes, scales }: Pick<LayerWeights, 'codes' | 'scales'>,
  moments: InputMoments,
  signal?: AbortSignal,
): Promise<number> {
  const { rows, columns } = layer;
  const turn = turnsOf(signal);
  const weights = weightRows(layer);
  const change = weights.map((weight, at) => weight - scales[Math.floor(at / columns)]! * codes[at]!);
  const variances = variancesOf(moments);
  const power = await signalOf({ weights, rows, columns, importance: variances }, variances, turn);
  return decibelsOf(power, await outputNoise(layer, change, moments, turn));
}

/** Codes, codebooks and scales to begin from where weights are not clustered. */
async function startOf(
  matrix: WeightRows,
  { limit, grid, price }: { readonly limit: number; readonly grid: NearestCode; readonly price: number },
  turn: Turn,
): Promise<StartingWeights> {
  const scales = await startingScalesOf(matrix, limit, grid, turn);
  if (price === 0) return { scales, codebooks: [], codes: new Int8Array() };
  const start = { codebook: grid.codes, scales: coarserScales(matrix, scales, price), price, limit, refit: false };
  return { ...constrainEntropy(matrix, start), codebooks: [grid.codes] };
}

type StartingWeights = Pick<LayerWeights, 'scales' | 'codebooks' | 'codes'>;

/** Lengths of the codes of one codebook as they occur at the start. */
function pricesOf(
  { codebooks, codes }: StartingWeights,
  prices: Pick<CodePrices, 'price' | 'learns'>,
  group: number,
): CodePrices {
  const perGroup = codes.length / codebooks.length;
  const occurring = codes.subarray(group * perGroup, (group + 1) * perGroup);
  return { ...prices, codes: pricedCodes(codebooks[group] ?? new Int8Array(), occurring) };
}

async function startingScalesOf(matrix: WeightRows, limit: number, grid: NearestCode, turn: Turn) {
  const scales = absmaxScales(matrix, limit);
  for (let row = 0; row < matrix.rows; row++) {
    scales[row] = searchScale(matrix, row, scales, grid);
    await turn();
  }
  return scales;
}

/** Codes and scales without any knowledge of what the layer reads: each weight to its nearest code. */
export function nearestWeights(layer: Layer, { limit, clusters, groups = 1 }: WeightOptions): LayerWeights {
  const { rows, columns } = layer;
  const weights = weightRows(layer);
  const indexBits = indexBitsFor(clusters ?? 256);
  const matrix: WeightRows = { weights, rows, columns, importance: new Float64Array(columns).fill(1) };
  if (clusters !== undefined)
    return { ...clusterWeights(matrix, { k: clusters, limit, groups }), bias: biasOf(layer), indexBits };
  const scales = absmaxScales(matrix, limit);
  const { of } = nearestCode(fullGrid(limit));
  const codes = new Int8Array(weights.length);
  for (let row = 0, at = 0; row < rows; row++) {
    const scale = scales[row]!;
    for (let i = 0; i < columns; i++, at++) codes[at] = of(weights[at]! / scale);
  }
  return { codes, scales, bias: biasOf(layer), codebooks: [], indexBits };
}

const biasOf = ({ node, bias, rows }: Layer): Float32Array | undefined =>
  node.opType === 'MatMul' ? undefined : (bias ?? new Float32Array(rows));

/** Columns that never varied still count a little: other images may make them vary. */
function floored(variances: Float64Array): Float64Array {
  const mean = variances.reduce((sum, value) => sum + value, 0) / variances.length;
  return variances.map((value) => Math.max(value, 0.01 * mean) || 1);
}

/** The codes in use: rounding may have left some of the codebook without a weight. */
function codebooksOf(codes: Int8Array, groups: number): Int8Array[] {
  const perGroup = codes.length / groups;
  return Array.from({ length: groups }, (_, g) => usedCodes(codes.subarray(g * perGroup, (g + 1) * perGroup)));
}

async function correctedBias(
  layer: Layer,
  weights: Float32Array,
  { codes, scales }: Pick<LayerWeights, 'codes' | 'scales'>,
  mean: Float64Array,
  turn: Turn,
): Promise<Float32Array | undefined> {
  const { rows, columns, groups, bias, node } = layer;
  if (node.opType === 'MatMul') return undefined;
  const corrected = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const means = Math.floor((row * groups) / rows) * columns;
    const scale = scales[row]!;
    let shift = 0;
    for (let i = 0; i < columns; i++) {
      const at = row * columns + i;
      shift += (weights[at]! - scale * codes[at]!) * mean[means + i]!;
    }
    corrected[row] = (bias?.[row] ?? 0) + shift;
    await turn();
  }
  return corrected;
}

/** Variance of the outputs as far as the inputs are uncorrelated; only for the report. */
async function signalOf({ weights, rows, columns }: WeightRows, variances: Float64Array, turn: Turn): Promise<number> {
  const groups = variances.length / columns;
  let signal = 0;
  for (let row = 0; row < rows; row++) {
    const start = Math.floor((row * groups) / rows) * columns;
    for (let i = 0; i < columns; i++) signal += weights[row * columns + i]! ** 2 * variances[start + i]!;
    await turn();
  }
  return signal;
}
