import { type Layer, storedOrder, weightRows } from '../../compression/layers.ts';
import { int } from '../../onnx/attributes.ts';
import { DATA_TYPES } from '../../onnx/types.ts';
import type { LayerWeights } from '../quantize.ts';
import type { Sketch } from './sketch.ts';

/** Values of a simulated layer: what the layer computes with, and what of it goes into the file. */
export interface SimulatedWeights {
  /** In the order of the file: scale of the row * code. */
  readonly weights: string;
  /** Whole numbers in float, in the order of the file. */
  readonly codes: string;
  /** `[rows]`. */
  readonly scales: string;
}

/** A weight keeps this distance, in codes, from the middle between its code and the next: float32 must not cross it. */
const MARGIN = 0.02;

/**
 * Weights of a layer as they will be stored, computed from what is trained: a number for each weight, in shares of the largest
 * code, which rounds to the nearest code; of a clustered layer the codebook as well; a factor for the scale of every row.
 * A weight's own gradient is that of its code, straight through the rounding, so that it can pass over to the next code; a
 * codebook's is the sum over the weights that share it (Han 2016), a scale's the sum over its row.
 *
 * Everything begins at 1 or below and near it, whatever folding and equalization have done to the weights: one learning rate
 * fits all. The first codes are exactly those decided.
 */
export function simulateWeights(sketch: Sketch, layer: Layer, decided: LayerWeights, limit: number): SimulatedWeights {
  const { rows, transposed, weights } = layer;
  const { dims } = weights;
  const { name } = layer.node;
  const latent = sketch.parameter(`${name}:weights`, 'weight', dims, startingValues(layer, decided, limit));
  const exact = sketch.node('Mul', [latent, sketch.scalar(limit)]);
  const codes =
    decided.codebooks.length === 0
      ? sketch.round(exact)
      : clusteredCodes(sketch, layer, decided.codebooks, exact, limit);
  const ones = new Float32Array(rows).fill(1);
  const factors = sketch.parameter(`${name}:scales`, 'gain', [rows], ones);
  const scales = sketch.node('Mul', [factors, sketch.floats(decided.scales, [rows])]);
  const across = transposed ? [1, rows] : [rows, ...dims.slice(1).map(() => 1)];
  return { weights: sketch.node('Mul', [codes, sketch.reshape(scales, across)]), codes, scales };
}

/** Each weight's nearest code of its codebook, looked up by cells of half a code: two codes always meet at the edge of a cell. */
function clusteredCodes(
  sketch: Sketch,
  { node, rows, weights: { dims }, transposed }: Layer,
  codebooks: readonly Int8Array[],
  exact: string,
  limit: number,
): string {
  const groups = codebooks.length;
  const k = Math.max(...codebooks.map(({ length }) => length));
  const cells = 4 * limit + 2;
  // A shorter codebook repeats its last code, which no weight then belongs to.
  const padded = codebooks.flatMap((book) => Array.from({ length: k }, (_, i) => book[Math.min(i, book.length - 1)]!));
  const values = Float32Array.from(padded, (code) => code / limit);
  const shares = sketch.parameter(`${node.name}:codebook`, 'gain', [groups, k], values);
  const book = sketch.round(sketch.node('Mul', [shares, sketch.scalar(limit)]));

  const middles = Float32Array.from({ length: cells }, (_, cell) => (cell - 0.5) / 2 - limit);
  const distances = sketch.node('Abs', [
    sketch.node('Sub', [sketch.reshape(book, [groups, 1, k]), sketch.floats(middles, [1, cells, 1])]),
  ]);
  const nearest = sketch.node('ArgMin', [distances], { axis: int(2), keepdims: int(0) });
  const starts = sketch.ints(
    Array.from({ length: groups }, (_, group) => group * k),
    [groups, 1],
  );
  const table = sketch.reshape(sketch.node('Add', [nearest, starts]), [groups * cells]);

  const doubled = sketch.node('Mul', [exact, sketch.scalar(2)]);
  const floor = sketch.node('Floor', [sketch.node('Add', [doubled, sketch.scalar(2 * limit + 1)])]);
  const cell = sketch.node('Cast', [floor], { to: int(DATA_TYPES.int64) });
  const offsets = sketch.ints(
    Array.from({ length: rows }, (_, row) => Math.floor((row * groups) / rows) * cells),
    transposed ? [1, rows] : [rows, ...dims.slice(1).map(() => 1)],
  );
  const member = sketch.node('Gather', [table, sketch.node('Add', [cell, offsets])]);
  const codes = sketch.node('Gather', [sketch.reshape(book, [groups * k]), member]);
  return withGradientOf(sketch, codes, exact);
}

/** The codes, whose gradient flows into the exact values too: codes + (exact - exact), of which one is held. */
function withGradientOf(sketch: Sketch, codes: string, exact: string): string {
  const held = sketch.node('Identity', [exact]);
  sketch.held.add(held);
  return sketch.node('Add', [codes, sketch.node('Sub', [exact, held])]);
}

/** The float weights in shares of the largest code, each moved to the nearest point that rounds to the code decided for it. */
function startingValues(layer: Layer, { codes, scales, codebooks }: LayerWeights, limit: number): Float32Array {
  const weights = weightRows(layer);
  const perGroup = codes.length / Math.max(1, codebooks.length);
  const edges = codebooks.map((book) => edgesOf(book, limit));
  const values = Float32Array.from(weights, (w, at) => {
    const code = codes[at]!;
    const [low, high] = edges[Math.floor(at / perGroup)]?.get(code) ?? [code - 0.5, code + 0.5];
    const row = Math.floor(at / layer.columns);
    const inside = Math.min(high - MARGIN, Math.max(low + MARGIN, w / scales[row]!));
    return Math.min(limit, Math.max(-limit, inside)) / limit;
  });
  return storedOrder(layer, values);
}

/** Where each code of a codebook begins and ends. */
function edgesOf(book: Int8Array, limit: number): ReadonlyMap<number, readonly [number, number]> {
  const middle = (i: number): number => (book[i - 1]! + book[i]!) / 2;
  return new Map(
    Array.from(book, (code, i) => [
      code,
      [i === 0 ? -limit - 1 : middle(i), i === book.length - 1 ? limit + 1 : middle(i + 1)],
    ]),
  );
}
