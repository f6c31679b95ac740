import { int, tensor } from '../../../onnx/attributes.ts';
import type { Model, Node } from '../../../onnx/graph.ts';
import { asFloat32, type Tensor } from '../../../onnx/tensor.ts';
import { DATA_TYPES } from '../../../onnx/types.ts';

/** The value of a float16's bits, by the definition of IEEE 754 binary16. */
export function valueOfHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of the nearest float16 toward zero: enough to make test weights of. */
export function halfOf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.min(Math.abs(value), 65504);
  if (size < 2 ** -14) return sign | Math.floor(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent + 15) << 10) | Math.floor((size / 2 ** exponent - 1) * 1024);
}

const narrowed = (value: Tensor): Tensor => ({
  dtype: 'float16',
  dims: value.dims,
  bytes: new Uint8Array(Uint16Array.from(asFloat32(value), halfOf).buffer),
});

const cast = (from: string, to: string, dtype: 'float16' | 'float32'): Node => ({
  name: to,
  opType: 'Cast',
  domain: '',
  inputs: [from],
  outputs: [to],
  attributes: { to: int(DATA_TYPES[dtype]) },
});

/**
 * The network in float16 inside.
 *
 * @param edge `cast`: takes and gives float32 through Casts; `bare`: takes and gives float16
 * @param weights in initializers, or in Constant nodes
 */
export function inHalf(
  { graph, ...model }: Model,
  edge: 'cast' | 'bare' = 'cast',
  weights: 'initializers' | 'constants' = 'initializers',
): Model {
  const [input, output] = [graph.inputs[0]!, graph.outputs[0]!];
  const halves = [...graph.initializers].map(
    ([name, value]) => [name, value.dtype === 'float32' ? narrowed(value) : value] as const,
  );
  const constants = halves.map(
    ([name, value]): Node => ({
      name: `${name}/constant`,
      opType: 'Constant',
      domain: '',
      inputs: [],
      outputs: [name],
      attributes: { value: tensor(value) },
    }),
  );
  const renamed = (name: string): string =>
    edge === 'cast' && (name === input.name || name === output.name) ? `${name}/half` : name;
  const inside = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  }));
  const nodes =
    edge === 'cast'
      ? [
          cast(input.name, renamed(input.name), 'float16'),
          ...inside,
          cast(renamed(output.name), output.name, 'float32'),
        ]
      : inside;
  const dtype = edge === 'bare' ? 'float16' : 'float32';
  return {
    ...model,
    graph: {
      ...graph,
      inputs: [{ ...input, dtype }],
      outputs: [{ ...output, dtype }],
      initializers: new Map(weights === 'initializers' ? halves : []),
      nodes: weights === 'initializers' ? nodes : [...constants, ...nodes],
    },
  };
}
