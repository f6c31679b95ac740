import { WaysideError } from '../../core/errors.ts';
import type { Histogram } from '../histogram.ts';

/** What a quantized value must represent: `min <= 0 <= max`, because padding and ReLU need an exact zero. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Chooses a range from what was seen. */
export type RangeMethod = (histogram: Histogram) => Range;

/** Steps of an 8-bit code between its lowest and highest value. */
export const STEPS = 255;

/** Everything seen, and zero. @throws {WaysideError} CALIBRATION_INVALID when nothing was */
export function fullRange(histogram: Histogram): Range {
  if (histogram.total === 0) throw new WaysideError('CALIBRATION_INVALID', { message: 'no value was observed' });
  return { min: Math.min(0, histogram.min), max: Math.max(0, histogram.max) };
}
