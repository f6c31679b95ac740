import { WaysideError } from '../../core/errors.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { NameGiver } from '../../onnx/names.ts';
import { asIntegers, elementCount, int64Tensor, type Tensor } from '../../onnx/tensor.ts';
import { BITS } from '../../onnx/types.ts';
import type { ChannelAnalysis } from './channels/groups.ts';

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
  const own = (node: Node, position: number, values: readonly number[]): Node => {
    const name = names.give(node.inputs[position] ?? 'counts');
    initializers.set(name, int64Tensor([values.length], values));
    return { ...node, inputs: node.inputs.map((each, i) => (i === position ? name : each)) };
  };
  const nodes = graph.nodes.map((node) =>
    recount(node, analysis, removed, (name) => graph.initializers.get(name), own),
  );
  return { ...model, graph: { ...graph, nodes, initializers, valueInfo: new Map() } };
}

function allNames({ graph }: Model): string[] {
  return [
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ];
}

/** The slices `kept` of a tensor along an axis, in that order; for types of whole bytes. */
export function takeSlices(tensor: Tensor, axis: number, kept: readonly number[]): Tensor {
  const { dims, dtype, bytes } = tensor;
  const width = dims[axis] ?? 1;
  if (kept.length === width) return tensor;
  const inner = (elementCount(dims.slice(axis + 1)) * BITS[dtype]) / 8;
  const outer = elementCount(dims.slice(0, axis));
  const result = new Uint8Array(outer * kept.length * inner);
  for (let o = 0; o < outer; o++) {
    kept.forEach((index, k) => {
      const from = (o * width + index) * inner;
      result.set(bytes.subarray(from, from + inner), (o * kept.length + k) * inner);
    });
  }
  return { dtype, dims: dims.map((dim, i) => (i === axis ? kept.length : dim)), bytes: result };
}

type Own = (node: Node, position: number, values: readonly number[]) => Node;

/** Writes constants that count channels anew. */
function recount(
  node: Node,
  analysis: ChannelAnalysis,
  removed: ReadonlySet<number>,
  constant: (name: string) => Tensor | undefined,
  own: Own,
): Node {
  const output = analysis.channelsOf(node.outputs[0] ?? '');
  const input = analysis.channelsOf(node.inputs[0] ?? '');
  if (output === undefined || input === undefined) return depthwiseGroup(node, input, removed);
  const left = (ids: readonly number[]): number => ids.filter((id) => !removed.has(id)).length;
  const values = constant(node.inputs[1] ?? '');
  if (node.opType === 'Pad' && values !== undefined) {
    const pads = [...asIntegers(values)];
    const rank = pads.length / 2;
    const before = pads[1] ?? 0;
    pads[1] = left(output.slice(0, before));
    pads[rank + 1] = left(output.slice(before + input.length));
    return own(node, 1, pads);
  }
  if (node.opType === 'Reshape' && values !== undefined) {
    const target = [...asIntegers(values)];
    if (target[1] !== undefined && target[1] > 0) target[1] = left(output);
    return own(node, 1, target);
  }
  return depthwiseGroup(node, input, removed);
}

/** A depthwise convolution has as many groups as channels. */
function depthwiseGroup(node: Node, input: readonly number[] | undefined, removed: ReadonlySet<number>): Node {
  const group = node.attributes['group'];
  if (node.opType !== 'Conv' || group?.type !== 'int' || group.value !== input?.length) return node;
  const left = input.filter((id) => !removed.has(id)).length;
  return { ...node, attributes: { ...node.attributes, group: { type: 'int', value: left } } };
}

/** For tests and for ranking: the original graph with the removed channels' weights set to zero. */
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
