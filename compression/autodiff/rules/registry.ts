import type { GradientRule } from '../rule.ts';
import * as activations from './activations.ts';
import * as arithmetic from './arithmetic.ts';
import { convolution } from './convolution.ts';
import { batchNormalization } from './normalization.ts';
import * as pooling from './pooling.ts';
import * as products from './products.ts';
import * as quantization from './quantization.ts';
import * as reductions from './reductions.ts';
import { gather } from './selection.ts';
import * as shaping from './shaping.ts';

const RULES: readonly GradientRule[] = [
  convolution,
  batchNormalization,
  ...Object.values(products),
  ...Object.values(arithmetic),
  ...Object.values(activations),
  ...Object.values(pooling),
  ...Object.values(reductions),
  ...Object.values(shaping),
  ...Object.values(quantization),
  gather,
];

/** The gradient rule of every operator that has one, by the operator's name. */
export const GRADIENT_RULES: ReadonlyMap<string, GradientRule> = new Map(
  RULES.flatMap((each) => each.opTypes.map((opType) => [opType, each] as const)),
);
