import { WaysideError } from '../core/errors.ts';
import type { OpenedModel } from '../inference/package.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import type { Session } from '../inference/session.ts';
import type { PixelOptions } from './options/common.ts';

/**
 * How images are prepared for a model: as its package says, else as the options say, else as its metadata does.
 *
 * @throws {WaysideError} USAGE for pixel options beside a package, or a normalisation that cannot be read; PREPROCESS_MISMATCH
 */
export async function preprocessingFor(
  model: OpenedModel,
  session: Session,
  { normalize, size }: Pick<PixelOptions, 'normalize' | 'size'>,
  note: (text: string) => void,
): Promise<Preprocessing> {
  if (model.package !== undefined) {
    if (normalize === undefined && size === undefined) return model.package.manifest.preprocessing;
    throw new WaysideError('USAGE', {
      message: `${normalize === undefined ? '--size' : '--normalize'} does not go with a package`,
      hint: 'a package says itself how it wants its images: leave the option out',
    });
  }
  const [{ defaultPreprocessing }, { chosenNormalization }, { readMetadata }] = await Promise.all([
    import('../inference/default-preprocessing.ts'),
    import('../exporter/reading/model-notes.ts'),
    import('../onnx/file/metadata.ts'),
  ]);
  const normalization = chosenNormalization(normalize, await readMetadata(model.modelPath), note);
  return defaultPreprocessing(session.input.shape, {
    ...(normalization === undefined ? {} : { normalize: normalization }),
    ...(size === undefined ? {} : { size }),
  });
}
