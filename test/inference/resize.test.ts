import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RgbImage, WHOLE_FRAME } from '../../inference/image.ts';
import { createPreprocessor } from '../../inference/preprocess.ts';
import { axisWeights, WEIGHT_BITS } from '../../inference/resize.ts';

/** An image from a formula, so that Pillow could be given the same one. */
function formulaImage(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o += 3) {
      data[o] = (x * 37 + y * 91 + x * y * 13) % 256;
      data[o + 1] = (x * x * 7 + y * 29) % 256;
      data[o + 2] = (x * 53 + y * y * 17) % 256;
    }
  }
  return { width, height, data };
}

/** The resized bytes, interleaved: with mean 0 and deviation 1 the floats are byte / 255. */
function resized(image: RgbImage, width: number, height: number): Uint8Array {
  const out = new Float32Array(3 * width * height);
  const preprocess = createPreprocessor({
    size: [height, width],
    resize: 'stretch',
    crop: 'none',
    mean: [0, 0, 0],
    std: [1, 1, 1],
    layout: 'NCHW',
    channels: 'RGB',
  });
  preprocess(image, WHOLE_FRAME, out, 0);
  const plane = width * height;
  return Uint8Array.from({ length: 3 * plane }, (_, i) => Math.round(out[(i % 3) * plane + Math.floor(i / 3)]! * 255));
}

describe('resize', () => {
  // Image.resize(size, Image.BILINEAR) of Pillow 13.0 on the same images.
  it('gives the bytes Pillow gives', () => {
    expect([...resized(formulaImage(11, 7), 5, 4)]).toEqual([
      81, 23, 54, 134, 73, 154, 140, 156, 89, 116, 139, 138, 88, 147, 139, 144, 68, 111, 146, 118, 134, 146, 138, 107,
      132, 135, 142, 126, 151, 114, 115, 122, 104, 144, 161, 118, 125, 97, 127, 136, 135, 116, 144, 99, 143, 100, 167,
      148, 139, 166, 87, 146, 91, 134, 140, 124, 117, 137, 144, 108,
    ]);
  });

  it.each([
    ['smaller', 640, 352, 224, 224, '685e817ba5734ccfeb832c4945d194a8cb41c93aa9932c5032be509b6a714b6b'],
    ['smaller by an odd ratio', 97, 61, 32, 32, '43da70edfb0262f8e369b0026d9cfc4270017de5322e9b3e78b40e678911feb5'],
    ['larger', 31, 45, 64, 64, '3d8583adcf84dca0570aec7f143dd4ee9a051b6b4e760b0c8dd49df7855444e4'],
    ['the same', 341, 256, 341, 256, '342afcb8596d7baca5bc624a7da4ff3124df38f24c05e1194a2f9da708e7f1b4'],
  ])('gives the bytes Pillow gives when the result is %s', (_, inWidth, inHeight, width, height, digest) => {
    const bytes = resized(formulaImage(inWidth, inHeight), width, height);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
  });

  it('weighs nothing negatively, sums to one and reads inside the image', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 400 }));
    fc.assert(
      fc.property(sizes, ([inSize, outSize]) => {
        const { first, start, weights } = axisWeights(inSize, outSize);
        for (let o = 0; o < outSize; o++) {
          const taps = weights.subarray(start[o], start[o + 1]);
          expect(first[o]).toBeGreaterThanOrEqual(0);
          expect(first[o]! + taps.length).toBeLessThanOrEqual(inSize);
          expect(Math.min(...taps)).toBeGreaterThanOrEqual(0);
          const sum = taps.reduce((a, b) => a + b, 0);
          expect(Math.abs(sum - 2 ** WEIGHT_BITS)).toBeLessThanOrEqual(taps.length / 2);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps a plain colour plain, at any size', () => {
    const side = fc.integer({ min: 1, max: 90 });
    fc.assert(
      fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), (w, h, outW, outH, level) => {
        const image = { width: w, height: h, data: new Uint8Array(w * h * 3).fill(level) };
        expect(new Set(resized(image, outW, outH))).toEqual(new Set([level]));
      }),
      { numRuns: 60 },
    );
  });
});
