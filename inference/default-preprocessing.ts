import { WaysideError } from '../core/errors.ts';
import { DEFAULT_NORMALIZATION, type Normalization } from './normalization.ts';
import type { Preprocessing } from './preprocess.ts';

/** Below this, a model was trained on whole small images; from it on, on photographs that were resized and cropped. */
const PHOTOGRAPH_SIDE = 64;

/** The shorter side a photograph is resized to before `side` is cut out: 256 for 224, and 256 for the 227 of AlexNet's family. */
const resizedFor = (side: number): number => (side === 227 ? 256 : Math.round((side * 256) / 224));

interface DefaultsFor {
  /** @default imagenet */
  readonly normalize?: Normalization;
  /** `[H, W]`, for models whose input does not say. */
  readonly size?: readonly [number, number];
}

/**
 * What a raw ONNX file most likely wants. Inputs under 64 pixels (CIFAR-10, traffic signs) are stretched; larger ones get
 * the usual ImageNet evaluation: shorter side to 256/224 of the input, then the centre.
 *
 * @param inputShape `[N, 3, H, W]` as the session declares it
 * @throws {WaysideError} PREPROCESS_MISMATCH when the shape is no RGB image or its size is unknown
 */
export function defaultPreprocessing(
  inputShape: readonly (number | string)[],
  { normalize = DEFAULT_NORMALIZATION, size }: DefaultsFor = {},
): Preprocessing {
  const [, channels, declaredHeight, declaredWidth] = inputShape;
  if (inputShape.length !== 4 || (channels !== 3 && typeof channels === 'number')) {
    throw new WaysideError('PREPROCESS_MISMATCH', {
      message: `expected an input [N, 3, H, W], got [${inputShape.join(', ')}]`,
      hint:
        inputShape[3] === 3
          ? 'it takes its images channels last: `wayside compress` makes a package of it that takes planes'
          : 'Wayside feeds RGB images, planes first',
    });
  }
  const height = typeof declaredHeight === 'number' ? declaredHeight : size?.[0];
  const width = typeof declaredWidth === 'number' ? declaredWidth : size?.[1];
  if (height === undefined || width === undefined) {
    throw new WaysideError('PREPROCESS_MISMATCH', {
      message: `the model leaves the size of its input open: [${inputShape.join(', ')}]`,
      hint: 'name it: --size 224',
    });
  }
  if (size !== undefined && (size[0] !== height || size[1] !== width)) {
    throw new WaysideError('PREPROCESS_MISMATCH', {
      message: `--size ${size[0]}x${size[1]} was asked for, but the model takes ${height}x${width}`,
      hint: 'leave --size out',
    });
  }
  const photograph = Math.max(height, width) >= PHOTOGRAPH_SIDE;
  return {
    size: [height, width],
    resize: photograph ? { shorterSide: resizedFor(Math.max(height, width)) } : 'stretch',
    crop: photograph ? 'center' : 'none',
    mean: [...normalize.mean],
    std: [...normalize.std],
    layout: 'NCHW',
    channels: normalize.channels ?? 'RGB',
  };
}
