import type { ChannelAnalysis } from '../../../compression/pruning/channels/groups.ts';
import type { Model } from '../../../onnx/graph.ts';
import { elementCount } from '../../../onnx/tensor.ts';
import { BITS } from '../../../onnx/types.ts';

/** The original graph with the removed channels' weights set to zero. */
export function maskChannels(model: Model, analysis: ChannelAnalysis, removed: ReadonlySet<number>): Model {
  const initializers = new Map(model.graph.initializers);
  const divisors = new Set(model.graph.nodes.flatMap(({ opType, inputs }) => (opType === 'Div' ? [inputs[1]] : [])));
  for (const { initializer, axis, ids } of analysis.ties) {
    const tensor = initializers.get(initializer);
    if (tensor === undefined || divisors.has(initializer)) continue; // 0 / 0 would spread
    const bytes = tensor.bytes.slice();
    const inner = (elementCount(tensor.dims.slice(axis + 1)) * BITS[tensor.dtype]) / 8;
    const outer = elementCount(tensor.dims.slice(0, axis));
    ids.forEach((id, index) => {
      if (!removed.has(id)) return;
      for (let o = 0; o < outer; o++) {
        const from = (o * ids.length + index) * inner;
        bytes.fill(0, from, from + inner);
      }
    });
    initializers.set(initializer, { ...tensor, bytes });
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
