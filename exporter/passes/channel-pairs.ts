import { type Layer, layersOf, weightRows } from '../../compression/layers.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { type ChannelReader, readersOf } from './channel-readers.ts';

/** A layer whose output channels can be scaled, and everyone who reads them. */
export interface Pair {
  readonly maker: Layer;
  readonly readers: readonly ChannelReader[];
}

/** `[rows, columns]` of each layer. */
type PairWeights<T extends Float32Array | Float64Array = Float64Array> = ReadonlyMap<Node, T>;

/** Every layer whose output channels can be scaled without changing what the model computes. */
export function pairsOf(model: Model): Pair[] {
  const index = indexGraph(model.graph);
  const alone = layersOf(model.graph).filter(({ node }) => index.consumers(node.inputs[1] ?? '').length === 1);
  const readers = readersOf(model, new Map(alone.map((layer) => [layer.node, layer])));
  return alone.flatMap((maker) => {
    const found = readers.get(maker) ?? [];
    return found.length === 0 ? [] : [{ maker, readers: found }];
  });
}

const layersIn = (pairs: readonly Pair[]): ReadonlySet<Layer> =>
  new Set(pairs.flatMap(({ maker, readers }) => [maker, ...readers.map(({ layer }) => layer)]));

/** Copies of the weights of all layers in the pairs. */
export const weightsOf = (pairs: readonly Pair[]): PairWeights =>
  new Map([...layersIn(pairs)].map((layer) => [layer.node, new Float64Array(weightRows(layer))]));

/** Largest |w| of a channel where it is made and where it is read. */
export function reachOf(
  { maker, readers }: Pair,
  weights: PairWeights<Float32Array | Float64Array>,
  channel: number,
): { readonly made: number; readonly read: number } {
  const { columns } = maker;
  const own = weights.get(maker.node)!;
  let made = 0;
  for (let i = channel * columns; i < (channel + 1) * columns; i++) made = Math.max(made, Math.abs(own[i]!));
  let read = 0;
  for (const { layer, forEachWeight } of readers) {
    const values = weights.get(layer.node)!;
    forEachWeight(channel, (at) => {
      read = Math.max(read, Math.abs(values[at]!));
    });
  }
  return { made, read };
}

/** A channel this much weaker than its layer's strongest is dead: folding leaves such where a BatchNormalization's factor died. */
const DEAD = 1e-5;

/**
 * How unevenly the channels between layers are scaled, from the weights alone: the largest ratio, within one layer, of the
 * factors s = sqrt(made / read) that would even out two of its channels. 1 where there is nothing to equalize.
 */
export function unevenness(model: Model): number {
  const pairs = pairsOf(model);
  // No copies: of a large network they are hundreds of MB, for one look.
  const weights = new Map([...layersIn(pairs)].map((layer) => [layer.node, weightRows(layer)]));
  return Math.max(1, ...pairs.map((pair) => unevennessOf(pair, weights)));
}

function unevennessOf(pair: Pair, weights: PairWeights<Float32Array>): number {
  const reaches = Array.from({ length: pair.maker.rows }, (_, channel) => reachOf(pair, weights, channel));
  const made = Math.max(...reaches.map((reach) => reach.made));
  const read = Math.max(...reaches.map((reach) => reach.read));
  const alive = reaches.filter((reach) => reach.made > DEAD * made && reach.read > DEAD * read);
  const factors = alive.map((reach) => Math.sqrt(reach.made / reach.read));
  return alive.length === 0 ? 1 : Math.max(...factors) / Math.min(...factors);
}
