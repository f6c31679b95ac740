import type { Window } from '../layers.ts';

/** Sizes of one image of a value `[N, C, H, W]`. */
interface ImageSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Top and left padding and the size of the output, with ONNX's rules for `auto_pad`. */
export function outputOf({ kernel, strides, dilations, pads }: Window, { height, width }: ImageSize) {
  const axis = (size: number, i: 0 | 1): { before: number; count: number } => {
    const reach = (kernel[i] - 1) * dilations[i] + 1;
    if (typeof pads !== 'string') {
      return { before: pads[i], count: Math.floor((size + pads[i] + pads[i === 0 ? 2 : 3] - reach) / strides[i]) + 1 };
    }
    const count = Math.ceil(size / strides[i]);
    const total = Math.max(0, (count - 1) * strides[i] + reach - size);
    return { before: pads === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2), count };
  };
  const [vertical, horizontal] = [axis(height, 0), axis(width, 1)];
  return { top: vertical.before, left: horizontal.before, rows: vertical.count, columns: horizontal.count };
}

/**
 * Copies what the filters see at one position: input channels `from` to `from + count`, each `kernel` values, as im2col
 * orders them. Outside the image it is zero.
 *
 * @param image offset of the image in `values`
 * @param row,column of the output
 */
export function copyPatch(
  values: Float32Array,
  image: number,
  size: ImageSize,
  window: Window,
  corner: { readonly top: number; readonly left: number },
  from: number,
  count: number,
  out: Float32Array,
  offset: number,
): void {
  const { height, width } = size;
  const [kernelHeight, kernelWidth] = window.kernel;
  const [dilationY, dilationX] = window.dilations;
  const [top, left] = [corner.top, corner.left];
  const isInside =
    top >= 0 &&
    left >= 0 &&
    top + (kernelHeight - 1) * dilationY < height &&
    left + (kernelWidth - 1) * dilationX < width;
  let at = offset;
  if (isInside && kernelHeight * kernelWidth === 1) {
    const area = height * width;
    const first = image + from * area + top * width + left;
    for (let i = 0; i < count; i++) out[at + i] = values[first + i * area]!;
    return;
  }
  if (isInside) {
    for (let channel = from; channel < from + count; channel++) {
      for (let ky = 0; ky < kernelHeight; ky++) {
        const line = image + (channel * height + top + ky * dilationY) * width + left;
        for (let kx = 0; kx < kernelWidth; kx++) out[at++] = values[line + kx * dilationX]!;
      }
    }
    return;
  }
  for (let channel = from; channel < from + count; channel++) {
    const plane = image + channel * height * width;
    for (let ky = 0; ky < kernelHeight; ky++) {
      const y = top + ky * dilationY;
      const line = plane + y * width;
      for (let kx = 0; kx < kernelWidth; kx++) {
        const x = left + kx * dilationX;
        out[at++] = y >= 0 && y < height && x >= 0 && x < width ? values[line + x]! : 0;
      }
    }
  }
}
