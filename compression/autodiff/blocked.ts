import { WaysideError } from '../../core/errors.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import { int, intAttribute } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model, Node, ValueInfo, ValueType } from '../../onnx/graph.ts';
import { suffixedNames } from '../../onnx/names.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import type { Tensor } from '../../onnx/tensor.ts';
import { BlockedFilters, turnedFrom } from './blocked-filters.ts';

/** ONNX Runtime's own operators on the layout `[N, C/B, H, W, B]`: it puts constant weights into it by itself, ours change. */
const DOMAIN = 'com.microsoft.nchwc';

/**
 * Channels in one block of the layout on this processor: 16 with AVX-512, 8 with AVX2; undefined where ONNX Runtime has
 * none. Found by putting numbered channels through it.
 */
export async function channelBlock(): Promise<number | undefined> {
  const channels = 64;
  const builder = new GraphBuilder('probe');
  const image = builder.input('image', 'float32', [1, channels, 1, 2]);
  const [blocked] = builder.node('ReorderInput', [image], {}, { domain: DOMAIN });
  builder.output(blocked, 'float32', [1, channels, 1, 2]);
  const model = builder.build({ opset: 17, irVersion: 8, domains: { [DOMAIN]: 1 } });
  // Channel c of pixel p is 2c + p: the first odd number begins the second pixel of the first block.
  const numbers = Float32Array.from({ length: 2 * channels }, (_, i) => i);
  try {
    const session = await openSession(encodeModel(model));
    try {
      const result = floatsOf(await session.run({ image: floatTensor(numbers, [1, channels, 1, 2]) }), blocked);
      const block = result.findIndex((value) => value % 2 === 1);
      return block > 1 ? block : undefined;
    } finally {
      await session.close();
    }
  } catch (cause) {
    if (cause instanceof WaysideError && cause.code.startsWith('SESSION_')) return undefined;
    throw cause;
  }
}

/**
 * The model with its convolutions over whole blocks of channels in the blocked layout: their input is put into it, their
 * output taken out, and the weights, which are computed or fed, are turned by Transpose. Both ways included, 128 images
 * took 5.2 ms of one processor for 7.2 (16 channels at 32x32), 3.6 for 5.6 (32 at 16x16), 47 for 61 (64 at 32x32).
 */
export function withBlockedConvolutions(model: Model, block: number): Model {
  const { graph } = model;
  const types = inferShapes(model);
  const taken = [
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap(({ name, outputs }) => [name, ...outputs]),
  ];
  const suffix = { node: '_blocked', output: '', constant: 'blocked_constant' };
  const builder = new GraphBuilder(graph.name, {
    naming: suffixedNames(taken, suffix),
    initializers: graph.initializers,
  });
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const filters = new BlockedFilters(builder, block);
  const put = new Map<string, string>();
  for (const node of graph.nodes) {
    const dims = blockedDims(node, types, graph.initializers, block);
    if (dims === undefined) {
      builder.nodes.push(node);
      continue;
    }
    const [input = '', weight = '', ...bias] = node.inputs;
    const ready = put.get(input) ?? builder.op('ReorderInput', [input], {}, { domain: DOMAIN });
    put.set(input, ready);
    const [out = 0, into = 0, ...kernel] = dims;
    const original = turnedFrom(weight, kernel, makers, builder.initializers);
    const filter =
      original === undefined ? filters.forward(weight, dims) : filters.turned(original, [into, out, ...kernel]);
    const result = builder.op('Conv', [ready, filter, ...bias], node.attributes, { domain: DOMAIN });
    const [output = ''] = node.outputs;
    const options = { name: node.name, domain: DOMAIN };
    builder.nodes.push(builder.made('ReorderOutput', [result], output, { channels: int(out) }, options));
  }
  const { nodes, initializers } = builder;
  const opsets = new Map([...model.opsets, [DOMAIN, 1] as const]);
  return { ...model, opsets, graph: { ...graph, nodes: withoutDead(nodes, graph.outputs), initializers } };
}

/** The nodes whose results somebody takes: filters turned in the plain layout are left over. */
function withoutDead(nodes: readonly Node[], outputs: readonly ValueInfo[]): Node[] {
  const taken = new Set(outputs.map(({ name }) => name));
  const living = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => taken.has(output))) return false;
    for (const input of node.inputs) taken.add(input);
    return true;
  });
  return living.toReversed();
}

/** Dimensions of the weights of a convolution that the blocked layout can hold as a whole. */
function blockedDims(
  node: Node,
  types: ReadonlyMap<string, ValueType>,
  initializers: ReadonlyMap<string, Tensor>,
  block: number,
): readonly number[] | undefined {
  if (node.opType !== 'Conv' || node.domain !== '' || intAttribute(node, 'group', 1) !== 1) return undefined;
  const weight = node.inputs[1] ?? '';
  // Constant weights ONNX Runtime turns itself, once.
  if (initializers.has(weight)) return undefined;
  const dims = types.get(weight)?.shape ?? [];
  const [out, into] = dims;
  const whole = (channels: unknown): boolean => typeof channels === 'number' && channels % block === 0;
  return dims.length === 4 && whole(out) && whole(into) && dims.every((dim) => typeof dim === 'number')
    ? (dims as readonly number[])
    : undefined;
}
