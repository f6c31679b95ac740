import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { LabelledBox } from '../average-precision.ts';

/** What is read of a file in COCO's form of labels; the rest of it is left alone. */
const Coco = z.object({
  images: z.array(
    z.object({
      id: z.int(),
      file_name: z.string().min(1),
      width: z.number().positive(),
      height: z.number().positive(),
    }),
  ),
  categories: z.array(z.object({ id: z.int(), name: z.string() })),
  annotations: z.array(
    z.object({
      image_id: z.int(),
      category_id: z.int(),
      /** Left, top, width, height in pixels. */
      bbox: z.tuple([z.number(), z.number(), z.number().positive(), z.number().positive()]),
      /** A crowd that nobody told apart. */
      iscrowd: z.union([z.literal(0), z.literal(1)]).default(0),
    }),
  ),
});

/**
 * Labelled boxes of images, by the name of the image's file: COCO's JSON (`images`, `categories`, `annotations`). Categories are
 * the model's classes by name; crowds are contested.
 *
 * @param labels names of the model's classes
 * @throws {WaysideError} FILE_NOT_FOUND; DATASET_INVALID for another form, or a category that the model does not know
 */
export async function readCocoBoxes(
  path: string,
  labels: readonly string[],
): Promise<ReadonlyMap<string, readonly LabelledBox[]>> {
  const { images, categories, annotations } = await read(path);
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  const byId = new Map(images.map((image) => [image.id, { ...image, boxes: [] as LabelledBox[] }]));
  for (const { image_id, category_id, bbox, iscrowd } of annotations) {
    const name = names.get(category_id);
    const classIndex = labels.indexOf(name ?? '');
    if (classIndex < 0)
      throw invalid(path, `category ${category_id} (${name ?? 'without a name'}) is no class of the model`);
    const image = byId.get(image_id);
    if (image === undefined) throw invalid(path, `a box lies in image ${image_id}, which is not named`);
    const [x, y, width, height] = bbox;
    const box = [x / image.width, y / image.height, width / image.width, height / image.height] as const;
    image.boxes.push({ classIndex, box: [...box], ...(iscrowd === 1 ? { contested: true } : {}) });
  }
  return new Map([...byId.values()].map(({ file_name, boxes }) => [file_name, boxes]));
}

async function read(path: string): Promise<z.infer<typeof Coco>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, messageOf(cause));
  }
  const parsed = Coco.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(path, issue === undefined ? 'empty' : `${issue.path.join('.')}: ${issue.message}`);
}

const invalid = (path: string, why: string): WaysideError =>
  new WaysideError('DATASET_INVALID', {
    message: `${path} holds no boxes in COCO's form: ${why}`,
    hint: 'a JSON file with images, categories and annotations, categories named as the classes of the model',
  });
