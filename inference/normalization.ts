import { WaysideError } from '../core/errors.ts';

type Triple = readonly [number, number, number];

/** Per channel R, G, B on RGB/255: `(value / 255 - mean) / std`. */
export interface Normalization {
  readonly mean: Triple;
  readonly std: Triple;
  /** Order of the planes the model was trained on. @default 'RGB' */
  readonly channels?: 'RGB' | 'BGR';
}

/** What models of a kind were trained with, by the name `--normalize` takes. */
export const NORMALIZATIONS: Readonly<Record<'imagenet' | 'cifar10' | 'unit' | 'caffe', Normalization>> = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  /** Caffe's model zoo (SqueezeNet, AlexNet, VGG): blue first, 0 to 255, the data set's mean colour subtracted. */
  caffe: { mean: [123 / 255, 117 / 255, 104 / 255], std: [1 / 255, 1 / 255, 1 / 255], channels: 'BGR' },
  unit: { mean: [0, 0, 0], std: [1, 1, 1] },
};

/** A raw ONNX file does not say; most published classifiers were trained with this. */
export const DEFAULT_NORMALIZATION = NORMALIZATIONS.imagenet;

function triple(text: string): Triple | undefined {
  const [r, g, b, ...more] = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (r === undefined || g === undefined || b === undefined || more.length > 0) return undefined;
  return [r, g, b].every(Number.isFinite) ? [r, g, b] : undefined;
}

/**
 * Reads `imagenet`, `cifar10`, `unit`, `caffe` or `M,M,M/S,S,S` (means, then standard deviations, of R,G,B on a scale of
 * 0 to 1). `bgr:` before the numbers feeds the planes blue first.
 *
 * @throws {WaysideError} USAGE
 */
export function parseNormalization(text: string): Normalization {
  if (Object.hasOwn(NORMALIZATIONS, text)) return NORMALIZATIONS[text as keyof typeof NORMALIZATIONS];
  const bgr = text.startsWith('bgr:');
  const [means, deviations, ...more] = (bgr ? text.slice(4) : text).split('/');
  const mean = triple(means ?? '');
  const std = triple(deviations ?? '');
  if (mean !== undefined && std?.every((value) => value > 0) && more.length === 0) {
    return { mean, std, channels: bgr ? 'BGR' : 'RGB' };
  }
  throw new WaysideError('USAGE', {
    message: `normalisation '${text}' is neither imagenet, cifar10, unit, caffe nor three means and three positive deviations`,
    hint: 'write means and deviations of R,G,B on a scale of 0 to 1: --normalize 0.5,0.5,0.5/0.25,0.25,0.25',
  });
}
