import type { Model } from '../../../onnx/graph.ts';
import { type Layer, layersOf, weightRows } from '../../layers.ts';
import { type InputMoments, isLarge } from '../../rounding/moments.ts';
import type { ChannelGroup } from '../channels/groups.ts';

/** Moments of every layer's inputs, by the name of its node. */
export type LayerMoments = ReadonlyMap<string, InputMoments>;

/** Weights that read a group's channels, with how their inputs vary together. */
export interface Reader {
  /** `[rows, size]` */
  readonly weights: Float64Array;
  readonly rows: number;
  readonly size: number;
  /** `[size, size]` */
  readonly covariance: Float64Array;
  /** Columns of each of the group's channels; those of other channels only stay. */
  readonly columns: readonly (readonly number[])[];
}

/** What reads a group in one layer, in the blocks in which its inputs' covariances were kept. */
export interface LayerReaders {
  readonly layer: Layer;
  readonly readers: readonly Reader[];
  /** Computed in matrix products: loops over such layers take minutes, and hear no signal meanwhile. */
  readonly large: boolean;
}

/** The weights that read a group's channels, layer by layer. */
export function readersOf(model: Model, { channels }: ChannelGroup, moments: LayerMoments): LayerReaders[] {
  return layersOf(model.graph).flatMap((layer) => {
    const own = moments.get(layer.node.name);
    const axis = inputAxis(layer);
    const [, weight = ''] = layer.node.inputs;
    const places = channels.map(({ slices }) =>
      slices.flatMap(({ initializer, axis: along, indices }) =>
        initializer === weight && along === axis ? indices : [],
      ),
    );
    if (own === undefined || places.every((indices) => indices.length === 0)) return [];
    const area = layer.window === undefined ? 1 : layer.window.kernel[0] * layer.window.kernel[1];
    const columns = places.map((indices) =>
      indices.flatMap((i) => Array.from({ length: area }, (_, k) => i * area + k)),
    );
    return [{ layer, readers: blocksOf(layer, own, columns), large: isLarge(layer) }];
  });
}

/** The axis of the stored weights that counts input channels. A depthwise filter has none that can go alone. */
function inputAxis({ transposed, groups, rows, window, weights }: Layer): number | undefined {
  if (window !== undefined && groups === rows && weights.dims[1] === 1) return undefined;
  return transposed ? 0 : 1;
}

function blocksOf(layer: Layer, moments: InputMoments, columns: readonly (readonly number[])[]): Reader[] {
  const all = weightRows(layer);
  const perGroup = layer.rows / layer.groups;
  return moments.covariance.flatMap((blocks, group) =>
    blocks.map((block, b) => {
      const size = Math.sqrt(block.length);
      const from = b * moments.blockColumns;
      const weights = new Float64Array(perGroup * size);
      for (let r = 0; r < perGroup; r++) {
        const start = (group * perGroup + r) * layer.columns + from;
        weights.set(all.subarray(start, start + size), r * size);
      }
      const inside = columns.map((each) => each.flatMap((c) => (c >= from && c < from + size ? [c - from] : [])));
      return { weights, rows: perGroup, size, covariance: new Float64Array(block), columns: inside };
    }),
  );
}
