import { WaysideError } from '../../core/errors.ts';
import { intAttribute } from '../../onnx/attributes.ts';
import { batchOf, macsOfNode, type Types, typesOfOneImage } from '../../onnx/cost.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { elementCount } from '../../onnx/tensor.ts';
import type { Channel, ChannelAnalysis } from './channels/groups.ts';

/** What a network costs without some of its channels. */
export interface CostModel {
  total(removed: ReadonlySet<number>): number;
  /** What one more channel would save. */
  saved(channel: Channel, removed: ReadonlySet<number>): number;
}

/** A convolution or matrix product: cost = factor * kept inputs * kept outputs (either may be one and the same, depthwise). */
interface Product {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly factor: number;
}

/** Multiply-accumulate operations an image, weights, or bytes of the float file. */
export type CostUnit = 'flops' | 'params' | 'bytes';

const FLOAT_BYTES = 4;

/**
 * What convolutions and matrix products cost. Kept counts are maintained as channels go, so that
 * asking is cheap: ranking asks for every candidate at every step.
 *
 * @param types of a run over one image
 * @throws {WaysideError} PRUNING_IMPOSSIBLE where operations are asked for and those of a node cannot be counted
 */
export function costModel(
  model: Model,
  analysis: ChannelAnalysis,
  unit: CostUnit,
  types: Types = typesOfOneImage(model),
): CostModel {
  const products = productsOf(model, analysis, unit, types);
  const byChannel = new Map<number, { product: Product; inputs: number; outputs: number }[]>();
  for (const product of products) {
    const counts = new Map<number, { inputs: number; outputs: number }>();
    const count = (ids: readonly number[], side: 'inputs' | 'outputs'): void => {
      for (const id of ids) {
        const known = counts.get(id) ?? { inputs: 0, outputs: 0 };
        known[side]++;
        counts.set(id, known);
      }
    };
    count(product.inputs, 'inputs');
    count(product.outputs, 'outputs');
    for (const [id, each] of counts) byChannel.set(id, [...(byChannel.get(id) ?? []), { product, ...each }]);
  }
  const kept = new Map(
    products.map((product) => [product, { inputs: product.inputs.length, outputs: product.outputs.length }]),
  );
  const seen = new Set<number>();
  const shift = (id: number, by: 1 | -1): void => {
    for (const { product, inputs, outputs } of byChannel.get(id) ?? []) {
      const left = kept.get(product)!;
      left.inputs += by * inputs;
      left.outputs += by * outputs;
    }
  };
  let followed: ReadonlySet<number> | undefined;
  const follow = (removed: ReadonlySet<number>): void => {
    // Sets only grow between two questions: the same set of the same size holds the same.
    if (removed === followed && removed.size === seen.size) return;
    followed = removed;
    for (const id of removed) {
      if (seen.has(id)) continue;
      seen.add(id);
      shift(id, -1);
    }
    if (seen.size === removed.size) return;
    for (const id of [...seen]) {
      if (removed.has(id)) continue;
      seen.delete(id);
      shift(id, 1);
    }
  };
  return {
    total(removed) {
      follow(removed);
      let sum = 0;
      for (const [{ factor }, { inputs, outputs }] of kept) sum += factor * inputs * outputs;
      return sum;
    },
    saved(channel, removed) {
      follow(removed);
      let sum = 0;
      for (const { product, inputs, outputs } of byChannel.get(channel.id) ?? []) {
        const left = kept.get(product)!;
        sum += product.factor * (left.inputs * left.outputs - (left.inputs - inputs) * (left.outputs - outputs));
      }
      return sum;
    },
  };
}

/** Of no channel: what costs the same whatever goes. */
const ALWAYS: readonly number[] = [-1];

function productsOf(model: Model, analysis: ChannelAnalysis, unit: CostUnit, types: Types): Product[] {
  const { graph } = model;
  const images = batchOf(graph, types);
  const products: Product[] = [];
  for (const node of graph.nodes) {
    const cost = unit === 'flops' ? operationsOf(node, types) / images : weightsOf(graph, node);
    if (cost > 0) products.push(sidesOf(node, analysis, cost));
  }
  if (unit !== 'bytes') return products;
  const single = analysis.ties.filter(({ initializer }) => graph.initializers.get(initializer)?.dims.length === 1);
  return [
    ...products.map(({ factor, ...sides }) => ({ ...sides, factor: factor * FLOAT_BYTES })),
    ...single.map(({ ids }) => ({ inputs: ALWAYS, outputs: ids, factor: FLOAT_BYTES })),
  ];
}

/** @throws {WaysideError} PRUNING_IMPOSSIBLE */
function operationsOf(node: Node, types: Types): number {
  const macs = macsOfNode(node, types);
  if (macs !== undefined) return macs;
  const open = [...node.inputs.slice(0, 2), ...node.outputs].filter((value) => types.get(value)?.shape == null);
  throw new WaysideError('PRUNING_IMPOSSIBLE', {
    message: `the operations of ${node.opType} ${node.name} cannot be counted: the shape of ${open.join(', ') || node.outputs[0]} is unknown`,
    hint: 'give a goal of weights (--params) or bytes (--bytes), or write the shapes into the file (onnx.shape_inference)',
  });
}

/** Weights of a convolution or matrix product with constant ones. */
function weightsOf(graph: Graph, node: Node): number {
  const weight = graph.initializers.get(node.inputs[1] ?? '');
  return weight !== undefined && PRODUCTS.has(node.opType) ? elementCount(weight.dims) : 0;
}

const PRODUCTS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** The cost of a node spread over the channels that it reads and makes; one that nothing follows through costs what it costs. */
function sidesOf(node: Node, analysis: ChannelAnalysis, cost: number): Product {
  const followed = PRODUCTS.has(node.opType);
  const inputs = (followed && analysis.channelsOf(node.inputs[0] ?? '')) || ALWAYS;
  const outputs = (followed && analysis.channelsOf(node.outputs[0] ?? '')) || ALWAYS;
  const groups = node.opType === 'Conv' ? intAttribute(node, 'group', 1) : 1;
  if (groups > 1 && groups === inputs.length && groups === outputs.length) {
    return { inputs, outputs: ALWAYS, factor: cost / inputs.length };
  }
  return { inputs, outputs, factor: cost / (inputs.length * outputs.length) };
}
