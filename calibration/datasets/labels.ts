import { WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';

/** Images sharp reads and people keep in folders. */
export const IMAGE_FILE = /\.(jpe?g|png|webp|gif|tiff?|avif|bmp)$/i;

/** What a labels file says: the class of each image, or the names of the classes in order. */
export type Labels =
  | { readonly kind: 'images'; readonly labels: ReadonlyMap<string, string> }
  | { readonly kind: 'names'; readonly names: readonly string[] };

/** `path` and label, parted by a comma, a tab or spaces: the path ends with the first ending of an image. */
const IMAGE_LINE = /^(?<path>.+?\.(?:jpe?g|png|webp|gif|tiff?|avif|bmp))[,\t ]\s*(?<label>[^,\t]+)$/i;

/**
 * Reads a labels file: lines `path/of/image.jpg LABEL` (an index or a name; comma, tab or space between), or one class
 * name a line, the first being class 0. Empty lines and lines beginning with `#` are skipped.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, DATASET_INVALID for a file that mixes both forms
 */
export async function readLabels(path: string): Promise<Labels> {
  const lines = (await readNamedFile(path)).toString('utf8').split(/\r?\n/);
  const kept = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  if (kept.length === 0) throw new WaysideError('DATASET_INVALID', { message: `${path} holds no labels` });
  const labels = new Map<string, string>();
  for (const line of kept) {
    const { path: image, label } = IMAGE_LINE.exec(line)?.groups ?? {};
    if (image !== undefined && label !== undefined) labels.set(image.replaceAll('\\', '/'), label.trim());
  }
  if (labels.size === 0) return { kind: 'names', names: kept };
  if (labels.size === kept.length) return { kind: 'images', labels };
  throw new WaysideError('DATASET_INVALID', {
    message: `${path}: ${labels.size} of ${kept.length} lines name an image and its class`,
    hint: 'every line is either `image.jpg LABEL`, each image once, or every line is the name of a class',
  });
}
