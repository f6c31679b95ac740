import { readdir } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { type Digest, digestOf, digestOfFile } from '../../core/hash.ts';
import type { Dataset, Sample } from '../dataset.ts';
import { decodeImage } from './decode.ts';
import { IMAGE_FILE, type Labels, readLabels } from './labels.ts';
import { positionsOf } from './positions.ts';
import { prefetch } from './prefetch.ts';

/** Images decoded ahead of the consumer: sharp's threads are busy while the model runs on ours. */
const AHEAD = 4;

interface ImageFile {
  /** Path inside the set, with `/`. */
  readonly id: string;
  readonly path: string;
  readonly label: number;
}

const SPLIT_FOLDERS = { train: ['train'], test: ['test', 'val', 'validation'] } as const;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function entriesOf(folder: string): Promise<{ folders: string[]; images: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new WaysideError('DATASET_INVALID', {
      message: `cannot read ${folder}: ${messageOf(cause)}`,
      hint: 'check the path and its permissions',
      cause,
    });
  });
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  return {
    folders: visible
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort(compare),
    images: visible
      .filter((entry) => entry.isFile() && IMAGE_FILE.test(entry.name))
      .map(({ name }) => name)
      .sort(compare),
  };
}

/** Images of a folder and the folders in it, in an order that does not depend on the file system. */
export async function imagesIn(folder: string): Promise<string[]> {
  const { folders, images } = await entriesOf(folder);
  const inside = [];
  for (const name of folders) inside.push(...(await imagesIn(join(folder, name))));
  return [...images.map((name) => join(folder, name)), ...inside];
}

/** Folder that holds the part asked for, and its sibling whose class folders must agree with it. */
async function splitFolders(root: string, split: 'train' | 'test'): Promise<{ own: string; all: string[] }> {
  const { folders } = await entriesOf(root);
  const find = (wanted: 'train' | 'test'): string | undefined =>
    SPLIT_FOLDERS[wanted].find((name) => folders.includes(name));
  const all = [find('train'), find('test')].filter((name) => name !== undefined).map((name) => join(root, name));
  const own = find(split);
  return { own: own === undefined ? (all[0] ?? root) : join(root, own), all: all.length === 0 ? [root] : all };
}

/** Index of each class folder: its number if all are numbers, else its place in the names given, else in the alphabet. */
function indexFolders(folders: readonly string[], names: readonly string[] | undefined): ReadonlyMap<string, number> {
  if (names !== undefined && folders.every((folder) => names.includes(folder))) {
    return new Map(folders.map((folder) => [folder, names.indexOf(folder)]));
  }
  const numeric = folders.every((folder) => /^\d+$/.test(folder));
  return new Map(folders.map((folder, index) => [folder, numeric ? Number(folder) : index]));
}

async function fromFolders(
  own: string,
  all: readonly string[],
  names: readonly string[] | undefined,
): Promise<{ images: ImageFile[]; classes: readonly string[] | undefined }> {
  const found = new Set<string>();
  for (const folder of all) for (const name of (await entriesOf(folder)).folders) found.add(name);
  const folders = [...found].sort(compare);
  const indexOf = indexFolders(folders, names);
  const images: ImageFile[] = [];
  for (const name of (await entriesOf(own)).folders) {
    for (const path of await imagesIn(join(own, name))) {
      images.push({ id: relative(own, path).split(sep).join('/'), path, label: indexOf.get(name) ?? 0 });
    }
  }
  const numeric = folders.every((folder) => /^\d+$/.test(folder));
  return { images, classes: names ?? (numeric ? undefined : folders) };
}

/** `017_name.jpg`: the digits before the first underscore are the index of the class. */
function fromPrefixes(own: string, files: readonly string[]): ImageFile[] {
  return files.map((name) => {
    const digits = /^(\d+)_/.exec(name)?.[1];
    if (digits !== undefined) return { id: name, path: join(own, name), label: Number(digits) };
    throw new WaysideError('DATASET_INVALID', {
      message: `${join(own, name)} has no label: it lies in no class folder and its name does not begin with a class index`,
      hint: 'sort images into one folder a class, name them like 017_x.jpg, or give a file: --labels FILE',
    });
  });
}

function fromFile(
  root: string,
  own: string,
  files: readonly string[],
  labels: ReadonlyMap<string, string>,
): { images: ImageFile[]; classes: readonly string[] | undefined } {
  const values = [...new Set(labels.values())];
  const numeric = values.every((value) => /^\d+$/.test(value));
  const classes = numeric ? undefined : values.sort(compare);
  const images: ImageFile[] = [];
  for (const path of files) {
    const id = relative(own, path).split(sep).join('/');
    const names = [relative(root, path).split(sep).join('/'), id, basename(path)];
    const label = names.map((name) => labels.get(name)).find((found) => found !== undefined);
    if (label !== undefined)
      images.push({ id, path, label: classes === undefined ? Number(label) : classes.indexOf(label) });
  }
  return { images, classes };
}

async function listImages(
  root: string,
  split: 'train' | 'test',
  labels: Labels | undefined,
): Promise<{ images: ImageFile[]; classes: readonly string[] | undefined }> {
  const { own, all } = await splitFolders(root, split);
  if (labels?.kind === 'images') return fromFile(root, own, await imagesIn(own), labels.labels);
  const { folders, images } = await entriesOf(own);
  if (images.length === 0 && folders.length > 0) return fromFolders(own, all, labels?.names);
  return { images: fromPrefixes(own, images), classes: labels?.names };
}

/**
 * A folder of images: one folder a class, or a class index before the name (`017_x.jpg`), or a labels file. `train` and
 * `test` (or `val`) inside it are honoured; a folder without them serves the same images for both.
 *
 * @throws {WaysideError} DATASET_INVALID, FILE_NOT_FOUND for the labels file; IMAGE_DECODE while streaming
 */
export async function openImages(root: string, split: 'train' | 'test', labelsFile?: string): Promise<Dataset> {
  const labels = labelsFile === undefined ? undefined : await readLabels(labelsFile);
  const { images, classes } = await listImages(root, split, labels);
  if (images.length === 0) {
    throw new WaysideError('DATASET_INVALID', {
      message: `${root} holds no labelled images`,
      hint: 'jpg, png, webp, gif, tiff, avif',
    });
  }
  const at = (position: number): ImageFile => images[position] ?? failPosition(position);

  async function* samples(indices?: readonly number[]): AsyncGenerator<Sample> {
    yield* prefetch(positionsOf(images.length, indices), AHEAD, async (position) => {
      const { id, label, path } = at(position);
      return { id, label, image: await decodeImage(path) };
    });
  }

  return {
    name: `images:${root}`,
    split,
    size: images.length,
    classes,
    samples,
    async digest(): Promise<Digest> {
      const lines: string[] = [];
      for (const { id, label, path } of images) lines.push(`${id} ${label} ${await digestOfFile(path)}\n`);
      return digestOf(lines.join(''));
    },
  };
}

function failPosition(position: number): never {
  throw new RangeError(`no image at ${position}`);
}
