import { WaysideError } from '../../core/errors.ts';
import type { Model } from '../../onnx/graph.ts';
import { NameGiver } from '../../onnx/names.ts';
import { elementCount, int64Tensor, type Tensor } from '../../onnx/tensor.ts';
import { BITS } from '../../onnx/types.ts';
import type { ChannelAnalysis } from './channels/groups.ts';
import { type Own, recount } from './recount.ts';

/**
 * A smaller dense graph without the given channels: every tensor they run through loses its slices, and constants that
 * count channels (the pads of a shortcut, the target of a Reshape, the parts of a Split) are written anew.
 *
 * @param removed ids of channels of `analysis`, which was made of this very model
 * @throws {WaysideError} PASS_FAILED when nothing of a tensor would be left
 */
export function removeChannels(model: Model, analysis: ChannelAnalysis, removed: ReadonlySet<number>): Model {
  if (removed.size === 0) return model;
  const { graph } = model;
  const initializers = new Map(graph.initializers);
  const keptAlong = new Map<string, readonly number[]>();
  for (const { initializer, axis, ids } of analysis.ties) {
    const kept = ids.flatMap((id, index) => (removed.has(id) ? [] : [index]));
    if (kept.length === 0) {
      throw new WaysideError('PASS_FAILED', { message: `pruning would leave nothing of ${initializer}` });
    }
    keptAlong.set(`${initializer}\0${axis}`, kept);
  }
  for (const [key, kept] of keptAlong) {
    const [name = '', axis = '0'] = key.split('\0');
    const tensor = initializers.get(name);
    if (tensor !== undefined) initializers.set(name, takeSlices(tensor, Number(axis), kept));
  }
  const names = new NameGiver(allNames(model));
  const own: Own = (node, position, values) => {
    const name = names.give(node.inputs[position] || 'counts');
    initializers.set(name, int64Tensor([values.length], values));
    const inputs = Array.from({ length: Math.max(node.inputs.length, position + 1) }, (_, i) =>
      i === position ? name : (node.inputs[i] ?? ''),
    );
    return { ...node, inputs };
  };
  const nodes = graph.nodes.map((node) => recount(node, graph, analysis, removed, own));
  return { ...model, graph: { ...graph, nodes, initializers, valueInfo: new Map() } };
}

function allNames({ graph }: Model): string[] {
  return [
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ];
}

/** Bytes of slices that are copied word by word: a view of each of a million weights, or kernels, costs more than all that reads them. */
const SMALL = 256;

/** The slices `kept` of a tensor along an axis, in that order; for types of whole bytes. */
function takeSlices(tensor: Tensor, axis: number, kept: readonly number[]): Tensor {
  const { dims, dtype, bytes } = tensor;
  const width = dims[axis] ?? 1;
  if (kept.length === width) return tensor;
  const inner = (elementCount(dims.slice(axis + 1)) * BITS[dtype]) / 8;
  const outer = elementCount(dims.slice(0, axis));
  const result = new Uint8Array(outer * kept.length * inner);
  if (inner <= SMALL && inner % 4 === 0 && bytes.byteOffset % 4 === 0) {
    const words = inner / 4;
    const from = new Uint32Array(bytes.buffer, bytes.byteOffset, outer * width * words);
    const to = new Uint32Array(result.buffer);
    let at = 0;
    for (let o = 0; o < outer; o++) {
      for (const index of kept) {
        const start = (o * width + index) * words;
        for (let i = start; i < start + words; i++) to[at++] = from[i]!;
      }
    }
  } else {
    for (let o = 0; o < outer; o++) {
      kept.forEach((index, k) => {
        const from = (o * width + index) * inner;
        result.set(bytes.subarray(from, from + inner), (o * kept.length + k) * inner);
      });
    }
  }
  return { dtype, dims: dims.map((dim, i) => (i === axis ? kept.length : dim)), bytes: result };
}
