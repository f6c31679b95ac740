import { usedCodes } from '../compression/cluster/cluster.ts';
import { type Layer, layersOf } from '../compression/layers.ts';
import type { Model } from '../onnx/graph.ts';
import { asFloat32 } from '../onnx/tensor.ts';
import type { LayerWeights } from './quantize.ts';

/** Different values, ascending. A Set would end at 16.7 million of them, fewer than a large layer has. */
export function distinct(values: Float32Array): Float32Array {
  const sorted = values.slice().sort();
  let count = 0;
  for (const value of sorted) if (count === 0 || value !== sorted[count - 1]) sorted[count++] = value;
  return sorted.subarray(0, count);
}

/** Different float weights of a layer. */
export const distinctValues = ({ weights }: Layer): number => distinct(asFloat32(weights)).length;

/**
 * How many weights of convolutions and matrix products differ, by the ways in which that may be meant. Layers left in float count
 * their floats. Biases are not counted.
 */
export interface DistinctWeights {
  readonly original: {
    /** Float values of each layer, added up. */
    readonly perLayer: number;
    /** Each counted once for the whole network. */
    readonly anywhere: number;
  };
  readonly compressed: {
    /**
     * Int8 codes of each layer, added up: what its codebook must hold. The float value of a code differs from one output channel
     * to the next by the channel's scale, as in every per-channel quantized model.
     */
    readonly codes: number;
    /** One an output channel. */
    readonly scales: number;
    /** Real numbers that inputs are multiplied by, added up over the layers. */
    readonly products: number;
    /** Values that the file stores, each counted once for the whole network. */
    readonly anywhere: number;
  };
}

/**
 * @param original the model as it was given
 * @param layers of the model that was quantized
 * @param weights of the layers that are not in float
 */
export function countDistinct(
  original: Model,
  layers: readonly Layer[],
  weights: ReadonlyMap<string, LayerWeights>,
): DistinctWeights {
  const floats = layersOf(original.graph).map((layer) => distinct(asFloat32(layer.weights)));
  const kept = layers.filter(({ node }) => !weights.has(node.name)).map((layer) => distinct(asFloat32(layer.weights)));
  const codes = [...weights.values()].map((each) => usedCodes(each.codes));
  const keptCount = total(kept);
  return {
    original: { perLayer: total(floats), anywhere: distinct(joined(floats)).length },
    compressed: {
      codes: keptCount + total(codes),
      scales: [...weights.values()].reduce((sum, { scales }) => sum + scales.length, 0),
      products: keptCount + [...weights.values()].reduce((sum, each) => sum + productsOf(each), 0),
      anywhere: distinct(joined(kept)).length + new Set(codes.flatMap((each) => [...each])).size,
    },
  };
}

const total = (parts: readonly { readonly length: number }[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(total(parts));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function productsOf({ codes, scales }: LayerWeights): number {
  const columns = codes.length / scales.length;
  return distinct(Float32Array.from(codes, (code, i) => code * scales[Math.floor(i / columns)]!)).length;
}
