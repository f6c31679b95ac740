import { relative, sep } from 'node:path';
import { WaysideError } from '../../core/errors.ts';
import { type Digest, digestOf, digestOfFile } from '../../core/hash.ts';
import type { Dataset, Sample } from '../dataset.ts';
import { decodeImage } from './decode.ts';
import { imagesIn } from './images.ts';
import { positionsOf } from './positions.ts';
import { prefetch } from './prefetch.ts';

/** As for labelled images: sharp's threads are busy while the model runs on ours. */
const AHEAD = 4;

/**
 * All images of a folder and the folders in it, for what needs no labels: every image is of class 0.
 *
 * @throws {WaysideError} DATASET_INVALID; IMAGE_DECODE while streaming
 */
export async function openUnlabelled(root: string): Promise<Dataset> {
  const paths = await imagesIn(root);
  if (paths.length === 0) {
    throw new WaysideError('DATASET_INVALID', {
      message: `${root} holds no images`,
      hint: 'jpg, png, webp, gif, tiff, avif',
    });
  }
  const idOf = (path: string): string => relative(root, path).split(sep).join('/');

  async function* samples(indices?: readonly number[]): AsyncGenerator<Sample> {
    yield* prefetch(positionsOf(paths.length, indices), AHEAD, async (position) => {
      const path = paths[position] ?? '';
      return { id: idOf(path), label: 0, image: await decodeImage(path) };
    });
  }

  return {
    name: `images:${root}`,
    split: 'train',
    size: paths.length,
    classes: undefined,
    samples,
    async digest(): Promise<Digest> {
      const lines: string[] = [];
      for (const path of paths) lines.push(`${idOf(path)} ${await digestOfFile(path)}\n`);
      return digestOf(lines.join(''));
    },
  };
}
