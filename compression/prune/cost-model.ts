import { intAttribute } from '../../onnx/attributes.ts';
import type { Model } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
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

/** Multiply-accumulate operations a picture, weights, or bytes of the float file. */
export type CostUnit = 'flops' | 'params' | 'bytes';

const FLOAT_BYTES = 4;

/**
 * What convolutions and matrix products cost. Kept counts are maintained as channels go, so that
 * asking is cheap: ranking asks for every candidate at every step.
 */
export function costModel(model: Model, analysis: ChannelAnalysis, unit: CostUnit): CostModel {
  const products = productsOf(model, analysis, unit);
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
  const follow = (removed: ReadonlySet<number>): void => {
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

function productsOf(model: Model, analysis: ChannelAnalysis, unit: CostUnit): Product[] {
  const types = inferShapes(model);
  const products: Product[] = [];
  const each = unit === 'bytes' ? FLOAT_BYTES : 1;
  for (const node of model.graph.nodes) {
    const weight = model.graph.initializers.get(node.inputs[1] ?? '');
    const inputs = analysis.channelsOf(node.inputs[0] ?? '');
    const outputs = analysis.channelsOf(node.outputs[0] ?? '');
    if (weight === undefined || inputs === undefined || outputs === undefined) continue;
    if (node.opType === 'Gemm') {
      products.push({ inputs, outputs, factor: each });
    } else if (node.opType === 'Conv') {
      const shape = types.get(node.outputs[0] ?? '')?.shape?.slice(2) ?? [];
      const pixels =
        unit !== 'flops' ? each : shape.reduce<number>((p, dim) => p * (typeof dim === 'number' ? dim : 1), 1);
      const kernel = elementCount(weight.dims.slice(2));
      const groups = intAttribute(node, 'group', 1);
      const depthwise = groups === inputs.length && groups === outputs.length;
      if (depthwise) products.push({ inputs, outputs: [-1], factor: kernel * pixels });
      else products.push({ inputs, outputs, factor: (kernel * pixels) / groups });
    }
  }
  if (unit !== 'bytes') return products;
  for (const { initializer, ids } of analysis.ties) {
    const single = model.graph.initializers.get(initializer)?.dims.length === 1;
    if (single) products.push({ inputs: [-1], outputs: ids, factor: FLOAT_BYTES });
  }
  return products;
}
