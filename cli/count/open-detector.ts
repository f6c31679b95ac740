import { WaysideError } from '../../core/errors.ts';
import { createDetector, type Detector } from '../../inference/heads/detector.ts';
import { HEADS, type HeadName } from '../../inference/heads/head.ts';
import { detectorLabels, preparedBy } from '../../inference/heads/prepared.ts';
import { type OpenedModel, openModel } from '../../inference/package.ts';
import { openSession } from '../../inference/session.ts';

interface DetectorOptions {
  readonly head?: HeadName;
  readonly normalize?: string;
  readonly size?: readonly [number, number];
  readonly labels?: string;
  readonly threads: number;
}

export interface OpenedDetector {
  readonly detector: Detector;
  readonly labels: readonly string[];
  /** Where it comes from: a package's folder or a bare file. */
  readonly model: OpenedModel;
  close(): Promise<void>;
}

const usage = (message: string, hint: string): WaysideError => new WaysideError('USAGE', { message, hint });

/**
 * Opens a detector: a package, which says all of itself, or an ONNX file with the name of its head.
 *
 * @throws {WaysideError} USAGE, FILE_NOT_FOUND, PACKAGE_INVALID, SESSION_LOAD, MODEL_UNSUPPORTED, PREPROCESS_MISMATCH
 */
export async function openDetector(path: string, options: DetectorOptions): Promise<OpenedDetector> {
  const model = await openModel(path);
  const manifest = model.package?.manifest;
  if (manifest !== undefined && (options.head ?? options.normalize ?? options.size ?? options.labels) !== undefined)
    throw usage(
      '--head, --normalize, --size and --labels do not go with a package',
      'a package says all of this itself',
    );
  if (manifest === undefined && options.head === undefined)
    throw usage(
      'a bare ONNX file does not say how its boxes are read',
      `name its head: --head ${Object.keys(HEADS).join(' | ')}`,
    );
  if (manifest !== undefined && manifest.head === undefined)
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `${path}: a package for ${manifest.task ?? 'classification'}; counting takes one that finds objects`,
      hint: 'see docs/guide/count.md for models that find objects',
    });
  const session = await openSession(model.modelPath, { threads: options.threads });
  try {
    const { head, preprocessing } =
      manifest?.head === undefined
        ? preparedBy(session.input, { ...options, head: options.head ?? 'yolox' })
        : { head: manifest.head, preprocessing: manifest.preprocessing };
    const detector = createDetector(session, head, preprocessing);
    const labels = manifest?.labels ?? (await detectorLabels(detector.classes, options.labels));
    return { detector, labels, model, close: () => session.close() };
  } catch (cause) {
    await session.close();
    throw cause;
  }
}
