import { usedCodes } from '../../compression/clustering/cluster.ts';
import { type Layer, layersOf } from '../../compression/layers.ts';
import { DistinctPatterns, distinctFloats } from '../../onnx/distinct.ts';
import type { Model } from '../../onnx/graph.ts';
import { asFloat32 } from '../../onnx/tensor.ts';
import type { LayerWeights } from '../quantize/layer-weights.ts';

/** Different float weights of a layer. */
export const distinctValues = ({ weights }: Layer): number => distinctFloats(asFloat32(weights));

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
 * @param original the model as it was given, its weights as initializers
 * @param layers of the model that was quantized
 * @param weights of the layers that are not in float
 */
export function countDistinct(
  original: Model,
  layers: readonly Layer[],
  weights: ReadonlyMap<string, LayerWeights>,
): DistinctWeights {
  const floats = layersOf(original.graph);
  const kept = layers.filter(({ node }) => !weights.has(node.name));
  const codes = [...weights.values()].map((each) => usedCodes(each.codes));
  const keptCount = total(kept.map(distinctValues));
  return {
    original: { perLayer: total(floats.map(distinctValues)), anywhere: distinctAnywhere(floats) },
    compressed: {
      codes: keptCount + total(codes.map(({ length }) => length)),
      scales: total([...weights.values()].map(({ scales }) => scales.length)),
      products: keptCount + total([...weights.values()].map(distinctProducts)),
      anywhere: distinctAnywhere(kept) + new Set(codes.flatMap((each) => [...each])).size,
    },
  };
}

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

function distinctAnywhere(layers: readonly Layer[]): number {
  const seen = new DistinctPatterns();
  for (const { weights } of layers) seen.addFloats(asFloat32(weights));
  return seen.floats;
}

/** Different products of a code and the scale of its row: of each row the codes in use, few as they are. */
function distinctProducts({ codes, scales }: LayerWeights): number {
  const columns = codes.length / scales.length;
  const products = new Float32Array(codes.length);
  let length = 0;
  scales.forEach((scale, row) => {
    for (const code of usedCodes(codes.subarray(row * columns, (row + 1) * columns))) products[length++] = code * scale;
  });
  return distinctFloats(products.subarray(0, length));
}
