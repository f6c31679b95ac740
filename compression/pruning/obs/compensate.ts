import type { Model } from '../../../onnx/graph.ts';
import { weightRows } from '../../layers.ts';
import type { ChannelGroup } from '../channels/groups.ts';
import { withLayerWeights } from '../reconstruct/layer-weights.ts';
import { withoutColumns } from './narrow-block.ts';
import type { LayerMoments, LayerReaders } from './readers.ts';
import type { SaliencyMeans } from './saliency.ts';
import { wideWithoutColumns } from './wide-block.ts';

/**
 * The model in which the layers that read a group make up for the loss of some of its channels as well as second moments
 * allow; the channels are still there, with weights of zero. No image is run: a first estimate of what `reconstruct` does.
 *
 * @param allReaders from `readersOf` the same group
 * @throws {WaysideError} SESSION_RUN; AbortError when `signal` aborts
 */
export async function compensate(
  model: Model,
  group: ChannelGroup,
  removed: ReadonlySet<number>,
  moments: LayerMoments,
  allReaders: readonly LayerReaders[],
  { products, signal }: SaliencyMeans,
): Promise<Model> {
  const gone = new Set(group.channels.flatMap(({ id }, i) => (removed.has(id) ? [i] : [])));
  let changed = model;
  for (const { layer, readers, large } of allReaders) {
    const { mean, blockColumns } = moments.get(layer.node.name)!;
    const weights = weightRows(layer).slice();
    const bias = layer.bias?.slice() ?? new Float32Array(layer.rows);
    const perGroup = layer.rows / layer.groups;
    const blocks = readers.length / layer.groups;
    for (const [r, reader] of readers.entries()) {
      await new Promise(setImmediate); // in loops a block takes up to half a second
      signal?.throwIfAborted();
      const { rows, size, columns } = reader;
      const group = Math.floor(r / blocks);
      const from = (r % blocks) * blockColumns;
      const at = columns.flatMap((each, c) => (gone.has(c) ? each : []));
      if (at.length === 0) continue;
      const w = large ? await wideWithoutColumns(reader, at, products, signal) : withoutColumns(reader, at);
      for (let o = 0; o < rows; o++) {
        const row = group * perGroup + o;
        for (let i = 0; i < size; i++) {
          const place = row * layer.columns + from + i;
          bias[row]! += (weights[place]! - w[o * size + i]!) * mean[group * layer.columns + from + i]!;
          weights[place] = w[o * size + i]!;
        }
      }
    }
    changed = withLayerWeights(changed, layer, weights, bias);
  }
  return changed;
}
