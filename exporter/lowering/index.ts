import type { Model } from '../../onnx/graph.ts';
import { type Pass, runPasses } from '../../onnx/pass.ts';
import { conv1dToConv2d } from './conv1d-to-conv2d.ts';
import { matmulBiasToGemm } from './matmul-bias-to-gemm.ts';
import { plainMatmul } from './plain-matmul.ts';

const LOWERING: readonly Pass[] = [conv1dToConv2d, plainMatmul, matmulBiasToGemm];

/**
 * The folded model in the forms that ONNX Runtime has int8 kernels for, layers under their names in the file. Apart from folding, because
 * pruning and training know tokens better as the file has them.
 */
export const lowered = (model: Model, signal?: AbortSignal): Promise<Model> => runPasses(model, LOWERING, { signal });
