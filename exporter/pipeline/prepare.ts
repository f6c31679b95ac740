import { basename, extname } from 'node:path';
import type { Dataset } from '../../calibration/dataset.ts';
import { openDataset } from '../../calibration/datasets/open.ts';
import { setAside } from '../../calibration/datasets/part.ts';
import { parseRanges } from '../../calibration/datasets/ranges.ts';
import { WaysideError } from '../../core/errors.ts';
import { defaultPreprocessing } from '../../inference/default-preprocessing.ts';
import type { Normalization } from '../../inference/normalization.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { ValueSpec } from '../../inference/session.ts';
import type { PlanOutline } from '../plan/plan.ts';
import { chosenNormalization } from '../reading/model-notes.ts';
import type { SourceOptions } from './source.ts';

/** Images to calibrate and train on, images to decide on, images to measure the outcome on. */
export interface Data {
  readonly train: Dataset;
  /** Part of the training split that nothing is calibrated or trained on. @default none is set aside */
  readonly validation?: Dataset | undefined;
  readonly test: Dataset;
}

/** @throws {WaysideError} USAGE, DATASET_INVALID, FILE_NOT_FOUND */
export async function openData(
  { data, labels }: Pick<SourceOptions, 'data' | 'labels'>,
  { validation }: Pick<PlanOutline, 'validation'>,
): Promise<Data> {
  const options = labels === undefined ? {} : { labels };
  const whole =
    typeof data === 'string'
      ? { train: await openDataset(data, 'train', options), test: await openDataset(data, 'test', options) }
      : data;
  const aside = validation === undefined ? undefined : parseRanges(validation);
  return aside === undefined ? whole : { ...whole, ...setAside(whole.train, aside) };
}

/** Leaves the bytes of an image as they are: 0 to 255. */
const BYTES: Normalization = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };

type PixelOptions = Pick<SourceOptions, 'preprocessing' | 'normalize' | 'size'> & {
  readonly note?: ((text: string) => void) | undefined;
};

/**
 * @param wantsBytes the model normalises its images itself
 * @param metadata of the model: how it wants its images, where nothing else says so
 * @throws {WaysideError} USAGE, PREPROCESS_MISMATCH
 */
export function preprocessingOf(
  input: ValueSpec,
  { preprocessing, normalize, size, note = () => {} }: PixelOptions,
  wantsBytes = false,
  metadata: ReadonlyMap<string, string> = new Map(),
): Preprocessing {
  if (preprocessing !== undefined) return preprocessing;
  if (wantsBytes && normalize !== undefined) {
    throw new WaysideError('USAGE', {
      message: '--normalize does not go with a model that takes bytes',
      hint: 'it normalises its images itself: leave the option out',
    });
  }
  const normalization = wantsBytes ? BYTES : chosenNormalization(normalize, metadata, note);
  return defaultPreprocessing(input.shape, {
    ...(normalization === undefined ? {} : { normalize: normalization }),
    ...(size === undefined ? {} : { size }),
  });
}

/** A package's name from its model's file: letters, digits, dots, dashes and underscores, 64 at most. */
export function packageName(path: string): string {
  const stem = basename(path, extname(path)).replace(/[^a-z0-9._-]+/gi, '-');
  return stem.replace(/^[^a-z0-9]+/i, '').slice(0, 64) || 'model';
}
