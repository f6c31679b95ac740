import { usedCodes } from '../compression/cluster/cluster.ts';
import { layersOf } from '../compression/layers.ts';
import type { Model } from '../onnx/graph.ts';
import { asFloat32 } from '../onnx/tensor.ts';
import type { LayerWeights } from './quantize.ts';

/** Distinct float values of each convolution's and matrix product's weights, added up over the layers. */
export const uniqueWeightsBefore = ({ graph }: Model): number =>
  layersOf(graph).reduce((sum, { weights }) => sum + new Set(asFloat32(weights)).size, 0);

/**
 * Distinct int8 codes of each layer, added up: what its codebook must hold. The float value of a code differs from one output
 * channel to the next by the channel's scale, as in every per-channel quantized model.
 */
export const uniqueWeightsAfter = (weights: ReadonlyMap<string, LayerWeights>): number =>
  [...weights.values()].reduce((sum, { codes }) => sum + usedCodes(codes).length, 0);
