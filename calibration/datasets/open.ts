import { WaysideError } from '../../core/errors.ts';
import type { Dataset } from '../dataset.ts';
import { openCifar10 } from './cifar10.ts';

interface DatasetOptions {
  /** A file with the class of each image, or with the names of the classes: see `readLabels`. */
  readonly labels?: string;
  /** Nobody looks at the labels: a folder of images needs none. @default false */
  readonly unlabelled?: boolean;
}

/**
 * Opens a data set by its name on the command line.
 *
 * @param spec `cifar10:DIR` (binary layout), `images:DIR` (image files), or `video:FILE` (its frames, unlabelled)
 * @throws {WaysideError} USAGE for another kind; DATASET_INVALID; FILE_NOT_FOUND for the labels file
 */
export async function openDataset(
  spec: string,
  split: 'train' | 'test',
  { labels, unlabelled = false }: DatasetOptions = {},
): Promise<Dataset> {
  const colon = spec.indexOf(':');
  const folder = spec.slice(colon + 1);
  if (colon > 0 && folder !== '') {
    const kind = spec.slice(0, colon);
    if (kind === 'video' && unlabelled) return (await import('./video.ts')).openVideo(folder);
    if (kind === 'video')
      throw new WaysideError('USAGE', {
        message: `${spec}: frames of a video have no classes`,
        hint: 'they do for detectors (--head) and with --unlabelled',
      });
    if (kind === 'cifar10') return openCifar10(folder, split);
    // sharp takes 20 MB as soon as it is loaded: only where image files are to be decoded.
    if (kind === 'images' && unlabelled) return (await import('./unlabelled.ts')).openUnlabelled(folder);
    if (kind === 'images') return (await import('./images.ts')).openImages(folder, split, labels);
  }
  throw new WaysideError('USAGE', {
    message: `data set '${spec}' is none of cifar10:DIR, images:DIR and video:FILE`,
    hint: 'for example --data cifar10:./cifar-10-batches-bin or --data images:./photographs',
  });
}
