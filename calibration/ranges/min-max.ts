import type { Histogram } from '../histogram.ts';
import { fullRange, type Range } from './range.ts';

/**
 * Everything that was seen: nothing is clipped, and one outlier makes every step coarser.
 *
 * @throws {WaysideError} CALIBRATION_INVALID when nothing was observed
 */
export const minMax = (histogram: Histogram): Range => fullRange(histogram);
