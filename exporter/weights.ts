import { clusterWeights, usedCodes } from '../compression/cluster/cluster.ts';
import { fullGrid, nearestCode } from '../compression/cluster/nearest.ts';
import { absmaxScales, searchScales, type WeightRows } from '../compression/cluster/scales.ts';
import { type Layer, weightRows } from '../compression/layers.ts';
import { columnVariances, type InputMoments } from '../compression/rounding/moments.ts';
import { roundToCodes } from '../compression/rounding/round.ts';
import { indexBitsFor } from './codebook.ts';
import type { LayerWeights } from './quantize.ts';

export interface WeightOptions {
  /** Largest code of the target. */
  readonly limit: number;
  /** Weight values per layer, or per group of output channels; without it weights are quantized only. */
  readonly clusters?: number | undefined;
  /** @default 1 */
  readonly groups?: number | undefined;
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
 * Because the bias takes the mean error away, columns are weighted by the variance of their input, not by E[x^2].
 */
export function decideWeights(layer: Layer, moments: InputMoments, options: WeightOptions): DecidedWeights {
  const { limit, clusters, groups = 1 } = options;
  const { rows, columns } = layer;
  const weights = weightRows(layer);
  const variances = Array.from({ length: layer.groups }, (_, g) => [...columnVariances(moments, g)]).flat();
  const matrix: WeightRows = { weights, rows, columns, importance: floored(variances) };
  const clustered = clusters === undefined ? undefined : clusterWeights(matrix, { k: clusters, limit, groups });
  const grid = nearestCode(fullGrid(limit));
  const startingScales = clustered?.scales ?? searchScales(matrix, absmaxScales(matrix, limit), grid);
  const codes = new Int8Array(weights.length);
  const scales = new Float32Array(rows);
  let noise = 0;
  const parts = Math.max(layer.groups, groups);
  const perPart = rows / parts;
  for (let part = 0; part < parts; part++) {
    const from = part * perPart;
    const rounded = roundToCodes({
      weights: weights.subarray(from * columns, (from + perPart) * columns),
      rows: perPart,
      columns,
      blockColumns: moments.blockColumns,
      covariance: moments.covariance[Math.floor((part * layer.groups) / parts)]!,
      scales: startingScales.subarray(from, from + perPart),
      nearest: clustered === undefined ? grid : nearestCode(clustered.codebooks[Math.floor((part * groups) / parts)]!),
      keepZero: clustered?.zeroKept ?? false,
    });
    codes.set(rounded.codes, from * columns);
    scales.set(rounded.scales, from);
    noise += rounded.error;
  }
  const codebooks = clustered === undefined ? [] : codebooksOf(codes, groups);
  const bias = correctedBias(layer, weights, codes, scales, moments.mean);
  const snr = 10 * Math.log10(signalOf(matrix, variances) / Math.max(noise, 1e-30));
  return { codes, scales, bias, codebooks, indexBits: indexBitsFor(clusters ?? 256), snr };
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
  const codes = Int8Array.from(weights, (w, at) => of(w / scales[Math.floor(at / columns)]!));
  return { codes, scales, bias: biasOf(layer), codebooks: [], indexBits };
}

const biasOf = ({ node, bias, rows }: Layer): Float32Array | undefined =>
  node.opType === 'MatMul' ? undefined : (bias ?? new Float32Array(rows));

/** Columns that never varied still count a little: other pictures may make them vary. */
function floored(variances: readonly number[]): Float64Array {
  const mean = variances.reduce((sum, value) => sum + value, 0) / variances.length;
  return Float64Array.from(variances, (value) => Math.max(value, 0.01 * mean) || 1);
}

/** The codes in use: rounding may have left some of the codebook without a weight. */
function codebooksOf(codes: Int8Array, groups: number): Int8Array[] {
  const perGroup = codes.length / groups;
  return Array.from({ length: groups }, (_, g) => usedCodes(codes.subarray(g * perGroup, (g + 1) * perGroup)));
}

function correctedBias(
  layer: Layer,
  weights: Float32Array,
  codes: Int8Array,
  scales: Float32Array,
  mean: Float64Array,
) {
  const { rows, columns, groups, bias, node } = layer;
  if (node.opType === 'MatMul') return undefined;
  return Float32Array.from({ length: rows }, (_, row) => {
    const means = Math.floor((row * groups) / rows) * columns;
    let shift = 0;
    for (let i = 0; i < columns; i++) {
      const at = row * columns + i;
      shift += (weights[at]! - scales[row]! * codes[at]!) * mean[means + i]!;
    }
    return (bias?.[row] ?? 0) + shift;
  });
}

/** Variance of the outputs as far as the inputs are uncorrelated; only for the report. */
function signalOf({ weights, rows, columns }: WeightRows, variances: readonly number[]): number {
  const groups = variances.length / columns;
  let signal = 0;
  for (let row = 0; row < rows; row++) {
    const start = Math.floor((row * groups) / rows) * columns;
    for (let i = 0; i < columns; i++) signal += weights[row * columns + i]! ** 2 * variances[start + i]!;
  }
  return signal;
}
