import type { Dataset } from '../../../calibration/dataset.ts';
import type { RunOptions } from '../../../core/progress.ts';
import { sampleIndices, seededRandom } from '../../../core/random.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import { type ImageSet, type LoadedImages, loadImages } from './images.ts';

/**
 * Folder of an image below its class's: `daisy/walk7/003.png` belongs to `daisy/walk7`. Frames of one track resemble each
 * other; one in training and one in validation would make any network look good.
 */
function groupOf(id: string): string {
  const parts = id.split('/');
  return parts.length > 2 ? parts.slice(0, -1).join('/') : id;
}

/**
 * Sets images aside to choose the best epoch by: the same share of every class, images of one sub-folder kept
 * together. The test part of a data set is never used for that.
 *
 * @param share of the images to set aside, 0 to 1; at least one of each class that has two groups
 */
export function splitImages(
  images: LoadedImages,
  share: number,
  seed: number,
): { readonly training: ImageSet; readonly validation: ImageSet } {
  const labels = new Int32Array(images.labels);
  const classes = new Map<number, Map<string, number[]>>();
  for (const position of images.positions) {
    const label = labels[position]!;
    const groups = classes.get(label) ?? new Map<string, number[]>();
    classes.set(label, groups);
    const group = groupOf(images.ids[position]!);
    groups.set(group, [...(groups.get(group) ?? []), position]);
  }
  const random = seededRandom(seed);
  const aside = new Set<number>();
  for (const label of [...classes.keys()].sort((a, b) => a - b)) {
    const groups = [...classes.get(label)!.values()];
    const total = groups.reduce((sum, { length }) => sum + length, 0);
    let taken = 0;
    // The last group always stays for training.
    for (const index of sampleIndices(groups.length, groups.length - 1, random)) {
      if (taken >= share * total) break;
      for (const position of groups[index]!) aside.add(position);
      taken += groups[index]!.length;
    }
  }
  const part = (wanted: boolean): ImageSet => {
    const { ids: _, ...shared } = images;
    return { ...shared, positions: images.positions.filter((position) => aside.has(position) === wanted) };
  };
  return { training: part(false), validation: part(true) };
}

/**
 * Reads what is trained on, and what chooses the epoch: a share of it, or images that are not in it.
 *
 * @throws {WaysideError} as `loadImages`
 */
export async function loadSplit(
  dataset: Dataset,
  aside: number | Dataset,
  { preprocessing, seed, ...run }: RunOptions & { readonly preprocessing: Preprocessing; readonly seed: number },
): Promise<{ readonly loaded: LoadedImages; readonly training: ImageSet; readonly validation: ImageSet }> {
  const loaded = await loadImages(dataset, preprocessing, run);
  if (typeof aside === 'number') return { loaded, ...splitImages(loaded, aside, seed) };
  return { loaded, training: loaded, validation: await loadImages(aside, preprocessing, run) };
}
