import type { Pass } from '../../onnx/pass.ts';
import { batchNormToConv } from './batch-norm-to-conv.ts';
import { foldPad } from './convolutions/fold-pad.ts';
import { foldSpaceToDepth } from './convolutions/fold-space-to-depth.ts';
import { eliminateDead } from './eliminate-dead.ts';
import { foldBatchNorm } from './fold-batch-norm.ts';
import { foldConstants } from './fold-constants.ts';
import { foldShapes } from './fold-shapes.ts';
import { letGoOfFile } from './let-go-of-file.ts';
import { matmulToGemm } from './matmul-to-gemm.ts';
import { plainGemm } from './plain-gemm.ts';
import { reduceMeanToPool } from './reduce-mean-to-pool.ts';
import { removeIdentity } from './remove-identity.ts';
import { sumToAdd } from './sum-to-add.ts';

/**
 * Everything that makes a float model simpler without changing what it computes, in the order in which each makes room
 * for the next: constants first (they reveal shapes), then shapes (their leftovers are constants), then layers.
 */
export const FOLDING: readonly Pass[] = [
  eliminateDead,
  sumToAdd,
  removeIdentity,
  foldConstants,
  foldShapes,
  foldConstants,
  matmulToGemm,
  plainGemm,
  foldPad,
  foldSpaceToDepth,
  foldBatchNorm,
  batchNormToConv,
  reduceMeanToPool,
  eliminateDead,
  letGoOfFile,
];
