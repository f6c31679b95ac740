import { readFile } from 'node:fs/promises';
import { WaysideError } from '../../core/errors.ts';
import type { Head } from '../../inference/heads/any-head.ts';
import { createDetector, type Detector } from '../../inference/heads/detector.ts';
import { COCO_CLASSES, HEADS, type HeadName } from '../../inference/heads/head.ts';
import { parseNormalization } from '../../inference/normalization.ts';
import { type OpenedModel, openModel } from '../../inference/package.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { openSession, type Session } from '../../inference/session.ts';

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
        ? fromOptions(session, options)
        : { head: manifest.head, preprocessing: manifest.preprocessing };
    const detector = createDetector(session, head, preprocessing);
    const labels = manifest?.labels ?? (await labelsFor(detector.classes, options.labels));
    return { detector, labels, model, close: () => session.close() };
  } catch (cause) {
    await session.close();
    throw cause;
  }
}

function fromOptions(session: Session, options: DetectorOptions): { head: Head; preprocessing: Preprocessing } {
  const family = HEADS[options.head ?? 'yolox'];
  const [, channels, declaredHeight, declaredWidth] = session.input.shape;
  if (session.input.shape.length !== 4 || channels !== 3 || session.input.type !== 'float32')
    throw new WaysideError('PREPROCESS_MISMATCH', {
      message: `expected an input float32 [N, 3, H, W], got ${session.input.type} [${session.input.shape.join(', ')}]`,
    });
  const height = typeof declaredHeight === 'number' ? declaredHeight : options.size?.[0];
  const width = typeof declaredWidth === 'number' ? declaredWidth : options.size?.[1];
  if (height === undefined || width === undefined)
    throw usage('the model leaves the size of its input open', 'name it: --size 416');
  if (options.size !== undefined && (options.size[0] !== height || options.size[1] !== width))
    throw usage(
      `--size ${options.size.join('x')} was asked for, but the model takes ${height}x${width}`,
      'leave --size out',
    );
  const {
    mean,
    std,
    channels: order = 'RGB',
  } = options.normalize === undefined ? family.preprocessing : parseNormalization(options.normalize);
  const [m, s] = [[...mean] as [number, number, number], [...std] as [number, number, number]];
  return {
    head: family.head,
    preprocessing: { ...family.preprocessing, mean: m, std: s, channels: order, size: [height, width], layout: 'NCHW' },
  };
}

/** The classes' names: those of a file, one a line, else COCO's where there are as many. */
async function labelsFor(classes: number, path: string | undefined): Promise<readonly string[]> {
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
