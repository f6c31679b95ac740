import type { Model } from '../../../onnx/graph.ts';
import { layersOf, weightRows } from '../../layers.ts';
import { withLayerWeights } from '../../reconstruct/layer-weights.ts';
import type { ChannelGroup } from '../channels/groups.ts';
import { dampedInverse, removeColumns } from './elimination.ts';
import { inputAxis, type LayerMoments, readersOf } from './readers.ts';

/**
 * The model in which the layers that read a group make up for the loss of some of its channels as well as second moments
 * allow; the channels are still there, with weights of zero. No picture is run: a first estimate of what `reconstruct` does.
 */
export function compensate(
  model: Model,
  group: ChannelGroup,
  removed: ReadonlySet<number>,
  moments: LayerMoments,
): Model {
  const gone = new Set(group.channels.flatMap(({ id }, i) => (removed.has(id) ? [i] : [])));
  let changed = model;
  for (const layer of layersOf(model.graph)) {
    const readers = readersOf(model, group, new Map([...moments].filter(([name]) => name === layer.node.name)));
    if (readers.length === 0 || inputAxis(layer) === undefined) continue;
    const { mean, blockColumns } = moments.get(layer.node.name)!;
    const weights = weightRows(layer).slice();
    const bias = layer.bias?.slice() ?? new Float32Array(layer.rows);
    const perGroup = layer.rows / layer.groups;
    const blocks = readers.length / layer.groups;
    readers.forEach((reader, r) => {
      const { rows, size, columns } = reader;
      const group = Math.floor(r / blocks);
      const from = (r % blocks) * blockColumns;
      const w = reader.weights.slice();
      const at = columns.flatMap((each, c) => (gone.has(c) ? each : []));
      if (at.length > 0) removeColumns(w, rows, dampedInverse(reader.covariance, size), size, at);
      for (let o = 0; o < rows; o++) {
        const row = group * perGroup + o;
        for (let i = 0; i < size; i++) {
          const place = row * layer.columns + from + i;
          bias[row]! += (weights[place]! - w[o * size + i]!) * mean[group * layer.columns + from + i]!;
          weights[place] = w[o * size + i]!;
        }
      }
    });
    changed = withLayerWeights(changed, layer, weights, bias);
  }
  return changed;
}
