import { entropy } from './entropy.ts';
import { minMax } from './min-max.ts';
import { mse } from './mse.ts';
import { percentile } from './percentile.ts';
import type { RangeMethod } from './range.ts';

/** Range methods by the name they have in plans, tables and options. */
export const RANGE_METHODS = { minmax: minMax, percentile, mse, entropy } as const satisfies Record<
  string,
  RangeMethod
>;

export type RangeMethodName = keyof typeof RANGE_METHODS;

export const RANGE_METHOD_NAMES = Object.keys(RANGE_METHODS) as [RangeMethodName, ...RangeMethodName[]];
