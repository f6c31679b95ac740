import type { FoundImage } from '../../calibration/detection/find.ts';
import { WaysideError } from '../../core/errors.ts';
import type { OpenedModel } from '../../inference/package.ts';
import { bytes, count, milliseconds, percent } from '../format.ts';
import type { Context } from '../running.ts';
import { agreementLines } from './compress.ts';

interface DetectorEvaluation {
  readonly data: string;
  readonly reference?: string;
  readonly boxes?: string;
  readonly limit?: number;
  readonly threads: number;
}

/**
 * `wayside evaluate` of a detector's package: its boxes beside those of the model it was made from, and beside labelled ones.
 *
 * @throws {WaysideError} USAGE without a reference, or for a model that is no detector; what opening and running throw
 */
export async function evaluateDetector(
  { signal, onProgress, report }: Context,
  path: string,
  { package: opened, modelPath, bytes: size }: OpenedModel,
  { data, reference, boxes, limit, threads }: DetectorEvaluation,
): Promise<void> {
  const manifest = opened?.manifest;
  if (manifest?.head === undefined || !('strides' in manifest.head))
    throw new WaysideError('USAGE', {
      message: `--reference and --boxes go with the package of a detector; ${path} is none`,
      hint: 'wayside compress --head makes one',
    });
  if (reference === undefined && boxes === undefined)
    throw new WaysideError('USAGE', {
      message: `${path} is a detector: without labels its boxes are compared with those of its float model`,
      hint: 'name that: --reference MODEL.onnx; or labelled boxes: --boxes FILE',
    });
  const { head, preprocessing, labels } = manifest;
  const [
    { openDataset },
    { spreadPositions },
    { boxAgreement },
    { findIn, COMPARED_SCORE },
    { openSession },
    { latencyApart },
  ] = await Promise.all([
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
      return await findIn(session, images, { head, preprocessing, indices, least: 0, stage, signal, onProgress });
    } finally {
      await session.close();
    }
  };
  const truth = boxes === undefined ? undefined : await readTruth(boxes, labels);
  const expected = reference === undefined ? undefined : await find(reference, 'looking with the float model');
  const found = await find(modelPath, 'looking with the package');
  const clear = (all: readonly FoundImage[]) =>
    all.map((image) => image.boxes.filter(({ score }) => score >= COMPARED_SCORE));
  const agreement = expected && { ...boxAgreement(clear(expected), clear(found)), images: expected.length };
  const precision = truth && (await precisionOf(truth, found, expected));
  const latencyMs = await latencyApart(modelPath, preprocessing, { signal });
  report({
    document: {
      ...(agreement && { agreement }),
      ...(precision && { averagePrecision: precision }),
      latencyMs,
      bytes: size,
    },
    text: [
      ...(agreement === undefined ? [] : agreementLines(agreement)),
      ...(precision === undefined ? [] : precisionLines(precision)),
      `latency ${milliseconds(latencyMs)}, one image on one thread`,
      `size ${bytes(size)}`,
    ].join('\n'),
  });
}

type Truth = Awaited<ReturnType<typeof readTruth>>;

async function readTruth(path: string, labels: readonly string[] = []) {
  const { readCocoBoxes } = await import('../../calibration/detection/coco-boxes.ts');
  return { path, boxes: await readCocoBoxes(path, labels), classes: labels.length };
}

interface Precision {
  /** Mean over the classes that are labelled, boxes right from an overlap of a half (AP50), 0 to 1. */
  readonly package: number;
  readonly reference?: number;
  /** Images with labels, and those left out because they have none. */
  readonly images: number;
  readonly unlabelled: number;
  readonly objects: number;
}

/** @throws {WaysideError} DATASET_INVALID where no image that was looked at is labelled */
async function precisionOf(
  { path, boxes, classes }: Truth,
  found: readonly FoundImage[],
  expected: readonly FoundImage[] | undefined,
): Promise<Precision> {
  const { averagePrecisions, meanPrecision } = await import('../../calibration/average-precision.ts');
  const precisionsOf = (all: readonly FoundImage[]) =>
    averagePrecisions(
      all.flatMap((image) => {
        const truth = boxes.get(image.id);
        return truth === undefined ? [] : [{ truth, found: image.boxes }];
      }),
      classes,
    );
  const own = precisionsOf(found);
  const objects = own.reduce((sum, each) => sum + each.objects, 0);
  if (objects === 0)
    throw new WaysideError('DATASET_INVALID', {
      message: `${path} labels no object in the ${found.length} images that were looked at`,
      hint: 'file_name must be the path of an image inside the folder of --data',
    });
  const images = found.filter(({ id }) => boxes.has(id)).length;
  const float = expected && { reference: meanPrecision(precisionsOf(expected)) };
  return { package: meanPrecision(own), ...float, images, unlabelled: found.length - images, objects };
}

function precisionLines({ package: own, reference, images, unlabelled, objects }: Precision): string[] {
  const beside = reference === undefined ? '' : `, the float model's ${percent(reference)}`;
  const left = unlabelled === 0 ? '' : `; ${count(unlabelled)} images without labels left out`;
  return [
    `mean average precision ${percent(own)}${beside}, of ${count(objects)} objects in ${count(images)} images${left}`,
  ];
}
