import type { Model } from '../../../onnx/graph.ts';
import { type Layer, layersOf, weightRows } from '../../layers.ts';
import type { InputMoments } from '../../rounding/moments.ts';
import type { ChannelGroup } from '../channels/groups.ts';
import type { Reader } from './elimination.ts';

/** Moments of every layer's inputs, by the name of its node. */
export type LayerMoments = ReadonlyMap<string, InputMoments>;

/** The weights that read a group's channels, in the blocks in which their inputs' covariances were kept. */
export function readersOf(model: Model, { channels }: ChannelGroup, moments: LayerMoments): Reader[] {
  const layers = layersOf(model.graph);
  return layers.flatMap((layer) => {
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
    return blocksOf(
      layer,
      own,
      places.map((indices) => indices.flatMap((i) => Array.from({ length: area }, (_, k) => i * area + k))),
    );
  });
}

/** The axis of the stored weights that counts input channels. A depthwise filter has none that can go alone. */
export function inputAxis({ transposed, groups, rows, window, weights }: Layer): number | undefined {
  if (window !== undefined && groups === rows && weights.dims[1] === 1) return undefined;
  return transposed ? 0 : 1;
}

function blocksOf(layer: Layer, moments: InputMoments, columns: readonly (readonly number[])[]): Reader[] {
  const all = weightRows(layer);
  const perGroup = layer.rows / layer.groups;
  const readers = moments.covariance.flatMap((blocks, group) =>
    blocks.map((block, b) => {
      const size = Math.sqrt(block.length);
      const from = b * moments.blockColumns;
      const weights = new Float64Array(perGroup * size);
      for (let r = 0; r < perGroup; r++) {
        const start = (group * perGroup + r) * layer.columns + from;
        weights.set(all.subarray(start, start + size), r * size);
      }
      const inside = columns.map((each) => each.flatMap((c) => (c >= from && c < from + size ? [c - from] : [])));
      return { weights, rows: perGroup, size, covariance: Float64Array.from(block), columns: inside };
    }),
  );
  const norm = readers.reduce((sum, reader) => sum + varianceOf(reader), 0) || 1;
  return readers.map((reader) => ({ ...reader, norm }));
}

/** tr(W C W'): variance of the outputs, added up over the channels. */
function varianceOf({ weights, rows, size, covariance }: Omit<Reader, 'norm'>): number {
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < size; i++) {
      let line = 0;
      for (let j = 0; j < size; j++) line += covariance[i * size + j]! * weights[r * size + j]!;
      sum += line * weights[r * size + i]!;
    }
  }
  return sum;
}
