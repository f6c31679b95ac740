import type { Digest } from '../core/hash.ts';
import type { RgbImage } from '../inference/image.ts';

export interface Sample {
  /** Stable name of the image inside its set: a path or `test_batch.bin#17`. */
  readonly id: string;
  /** Index of the class. */
  readonly label: number;
  readonly image: RgbImage;
}

/**
 * Any labelled set of images. Iterating streams: memory is bounded by a few images, whatever the size of the set.
 * A set has a training part (to calibrate on) and a test part (to measure on); sets without such a division use one for both.
 */
export interface Dataset {
  /** As given on the command line: `cifar10:DIR`. */
  readonly name: string;
  readonly split: 'train' | 'test';
  readonly size: number;
  /** Names of the classes where the set knows them. */
  readonly classes: readonly string[] | undefined;
  /** Identifies the images and labels. */
  digest(): Promise<Digest>;
  /** Images at these positions (all of them by default), in the order given. */
  samples(indices?: readonly number[]): AsyncIterable<Sample>;
}
