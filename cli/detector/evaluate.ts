import { WaysideError } from '../../core/errors.ts';
import type { OpenedModel } from '../../inference/package.ts';
import { bytes, milliseconds } from '../format.ts';
import type { Context } from '../running.ts';
import { agreementLines } from './compress.ts';

interface DetectorEvaluation {
  readonly data: string;
  readonly reference?: string;
  readonly limit?: number;
  readonly threads: number;
}

/**
 * `wayside evaluate` of a detector's package: its boxes beside those of the model it was made from.
 *
 * @throws {WaysideError} USAGE without a reference, or for a model that is no detector; what opening and running throw
 */
export async function evaluateDetector(
  { signal, onProgress, report }: Context,
  path: string,
  { package: opened, modelPath, bytes: size }: OpenedModel,
  { data, reference, limit, threads }: DetectorEvaluation,
): Promise<void> {
  const manifest = opened?.manifest;
  if (manifest?.head === undefined || !('strides' in manifest.head))
    throw new WaysideError('USAGE', {
      message: `--reference goes with the package of a detector; ${path} is none`,
      hint: 'wayside compress --head makes one',
    });
  if (reference === undefined)
    throw new WaysideError('USAGE', {
      message: `${path} is a detector: without labels its boxes are compared with those of its float model`,
      hint: 'name that: --reference MODEL.onnx',
    });
  const { head, preprocessing } = manifest;
  const [{ openDataset }, { spreadPositions }, { boxAgreement }, { findIn }, { openSession }, { latencyApart }] =
    await Promise.all([
      import('../../calibration/datasets/open.ts'),
      import('../../calibration/datasets/positions.ts'),
      import('../../calibration/detection/agreement.ts'),
      import('../../calibration/detection/find.ts'),
      import('../../inference/session.ts'),
      import('../../inference/latency-apart.ts'),
    ]);
  const images = await openDataset(data, 'test', { unlabelled: true });
  const indices = spreadPositions(images.size, limit);
  const find = async (model: string, stage: string) => {
    const session = await openSession(model, { threads });
    try {
      return await findIn(session, images, { head, preprocessing, indices, stage, signal, onProgress });
    } finally {
      await session.close();
    }
  };
  const expected = await find(reference, 'looking with the float model');
  const found = await find(modelPath, 'looking with the package');
  const agreement = { ...boxAgreement(expected, found), images: expected.length };
  const latencyMs = await latencyApart(modelPath, preprocessing, { signal });
  report({
    document: { agreement, latencyMs, bytes: size },
    text: [
      ...agreementLines(agreement),
      `latency ${milliseconds(latencyMs)}, one image on one thread`,
      `size ${bytes(size)}`,
    ].join('\n'),
  });
}
