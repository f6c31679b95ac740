import { meanDivergence } from '../../compression/divergence.ts';
import { boxDistance } from './box-distance.ts';
import type { Predictions } from './predictions.ts';

/**
 * How far answers are from those of the float model, 0 when nothing changed: for a classifier the mean Kullback-Leibler divergence
 * of its class probabilities, in nats; for a detector whose head is known
 * what its boxes err by (`boxDistance`), where there are any; for any other model the noise in its outputs as a share of what they say about the images.
 */
export function distance(expected: Predictions, got: Predictions): number {
  if (expected.values === undefined) return meanDivergence(expected.probabilities, got.probabilities);
  const boxes = expected.boxes && boxDistance(expected, got, expected.boxes);
  if (boxes !== undefined) return boxes;
  const shares = expected.values.map((images, output) => noiseShare(images, got.values?.[output] ?? []));
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
}

/** Of the size of answers, as a root mean square. */
const LEAST_VARIATION = 1e-4;

/**
 * Sum of squared errors over the sum of squared deviations of each value from its own mean over the images: what an output always
 * says, such as the background of a detector, is no signal. 1 is as bad as answering the mean. Predictions that hardly differ from image to image
 * are judged by their size: noise of a ten-thousandth of it counts as 1.
 *
 * @param expected `[images][values]`
 */
export function noiseShare(expected: readonly Float32Array[], got: readonly Float32Array[]): number {
  const length = expected[0]?.length ?? 0;
  const means = new Float64Array(length);
  for (const values of expected) for (let i = 0; i < length; i++) means[i]! += values[i]! / expected.length;
  let [noise, signal, power] = [0, 0, 0];
  expected.forEach((values, image) => {
    const other = got[image]!;
    for (let i = 0; i < length; i++) {
      noise += (values[i]! - other[i]!) ** 2;
      signal += (values[i]! - means[i]!) ** 2;
      power += values[i]! ** 2;
    }
  });
  return noise === 0 ? 0 : noise / Math.max(signal, LEAST_VARIATION ** 2 * power);
}
