import { readFile } from 'node:fs/promises';
import { WaysideError } from '../../core/errors.ts';
import { parseNormalization } from '../normalization.ts';
import type { Preprocessing } from '../preprocess.ts';
import type { ValueSpec } from '../session.ts';
import { COCO_CLASSES, type DetectorHead, HEADS, type HeadName } from './head.ts';

const usage = (message: string, hint: string): WaysideError => new WaysideError('USAGE', { message, hint });

interface HeadOptions {
  readonly head: HeadName;
  /** As `--normalize` takes it. @default that of the family */
  readonly normalize?: string | undefined;
  /** `[H, W]`, for models whose input does not say. */
  readonly size?: readonly [number, number] | undefined;
}

/**
 * How the output of a bare detector is read and its images are prepared, by the name of its head.
 *
 * @throws {WaysideError} PREPROCESS_MISMATCH for what takes no image; USAGE for a size that is open or another one
 */
export function preparedBy(
  input: ValueSpec,
  { head: name, normalize, size }: HeadOptions,
): { head: DetectorHead; preprocessing: Preprocessing } {
  const family = HEADS[name];
  const [, channels, declaredHeight, declaredWidth] = input.shape;
  if (input.shape.length !== 4 || channels !== 3 || input.type !== 'float32')
    throw new WaysideError('PREPROCESS_MISMATCH', {
      message: `expected an input float32 [N, 3, H, W], got ${input.type} [${input.shape.join(', ')}]`,
    });
  const height = typeof declaredHeight === 'number' ? declaredHeight : size?.[0];
  const width = typeof declaredWidth === 'number' ? declaredWidth : size?.[1];
  if (height === undefined || width === undefined)
    throw usage('the model leaves the size of its input open', 'name it: --size 416');
  if (size !== undefined && (size[0] !== height || size[1] !== width))
    throw usage(`--size ${size.join('x')} was asked for, but the model takes ${height}x${width}`, 'leave --size out');
  const {
    mean,
    std,
    channels: order = 'RGB',
  } = normalize === undefined ? family.preprocessing : parseNormalization(normalize);
  const [m, s] = [[...mean] as [number, number, number], [...std] as [number, number, number]];
  return {
    head: family.head,
    preprocessing: { ...family.preprocessing, mean: m, std: s, channels: order, size: [height, width], layout: 'NCHW' },
  };
}

/**
 * The names of a detector's classes: those of a file, one a line, else COCO's where there are as many.
 *
 * @throws {WaysideError} USAGE where nobody names them; FILE_NOT_FOUND; DATASET_INVALID for another number of names
 */
export async function detectorLabels(classes: number, path: string | undefined): Promise<readonly string[]> {
  if (path === undefined) {
    if (classes === COCO_CLASSES.length) return COCO_CLASSES;
    throw usage(
      `the model knows ${classes} classes, whose names are not known`,
      'name them: --labels FILE, one a line',
    );
  }
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}`, cause });
  });
  const labels = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (labels.length === classes) return labels;
  throw new WaysideError('DATASET_INVALID', {
    message: `${path}: ${labels.length} names for a model of ${classes} classes`,
  });
}
