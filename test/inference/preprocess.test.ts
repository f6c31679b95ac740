import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RgbImage, WHOLE_FRAME } from '../../inference/image.ts';
import { parseNormalization } from '../../inference/normalization.ts';
import { createPreprocessor, frameNeeded, inputLength, Preprocessing } from '../../inference/preprocess.ts';
import { workingSize } from '../support/working-size.ts';

const unit = { mean: [0, 0, 0], std: [1, 1, 1], layout: 'NCHW', channels: 'RGB' } as const;
const stretched = (height: number, width = height): Preprocessing => ({
  ...unit,
  size: [height, width],
  resize: 'stretch',
  crop: 'none',
});
const cropped = (size: number, shorterSide: number): Preprocessing => ({
  ...unit,
  size: [size, size],
  resize: { shorterSide },
  crop: 'center',
});

const gradient = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [pixel % width, Math.floor(pixel / width), 7][i % 3] ?? 0;
  }),
});

function run(preprocessing: Preprocessing, image: RgbImage, box = WHOLE_FRAME): Float32Array {
  const out = new Float32Array(inputLength(preprocessing));
  createPreprocessor(preprocessing)(image, box, out, 0);
  return out;
}

describe('createPreprocessor', () => {
  it('normalises each channel and lays the planes out one after another', () => {
    const normalization = parseNormalization('imagenet');
    const image = { width: 1, height: 1, data: Uint8Array.of(255, 128, 0) };
    const out = run({ ...stretched(1), mean: [...normalization.mean], std: [...normalization.std] }, image);
    expect(out[0]).toBeCloseTo((1 - 0.485) / 0.229, 5);
    expect(out[1]).toBeCloseTo((128 / 255 - 0.456) / 0.224, 5);
    expect(out[2]).toBeCloseTo((0 - 0.406) / 0.225, 5);
  });

  it('puts blue first for a BGR model and still normalises red by the mean of red', () => {
    const image = { width: 1, height: 1, data: Uint8Array.of(255, 102, 0) };
    const out = run({ ...stretched(1), mean: [1, 0, 0], channels: 'BGR' }, image);
    expect([...out]).toEqual([0, Math.fround(102 / 255), 0]);
  });

  it('writes at its offset and nowhere else', () => {
    const out = new Float32Array(3 * 3).fill(-1);
    createPreprocessor(stretched(1))({ width: 1, height: 1, data: Uint8Array.of(255, 255, 255) }, WHOLE_FRAME, out, 3);
    expect([...out]).toEqual([-1, -1, -1, 1, 1, 1, -1, -1, -1]);
  });

  it('sees of a frame only the region', () => {
    const image = gradient(16, 16);
    const region = run(stretched(4), image, [0.5, 0.25, 0.25, 0.25]);
    expect([...region.subarray(0, 4)].map((value) => Math.round(value * 255))).toEqual([8, 9, 10, 11]);
    expect([0, 4, 8, 12].map((i) => Math.round(region[16 + i]! * 255))).toEqual([4, 5, 6, 7]);
  });

  it('gives for a region what it gives for the same pixels as an image of their own', () => {
    const side = fc.integer({ min: 1, max: 24 });
    const pixels = fc.uint8Array({ minLength: 48 * 48 * 3, maxLength: 48 * 48 * 3 });
    fc.assert(
      fc.property(pixels, side, side, side, side, fc.boolean(), (data, x, y, width, height, keepAspect) => {
        const preprocessing = keepAspect ? cropped(9, 11) : stretched(9, 13);
        const part = new Uint8Array(width * height * 3);
        for (let row = 0; row < height; row++) {
          part.set(data.subarray(((y + row) * 48 + x) * 3, ((y + row) * 48 + x + width) * 3), row * width * 3);
        }
        const box = [x / 48, y / 48, width / 48, height / 48] as const;
        expect(run(preprocessing, { width: 48, height: 48, data }, box)).toEqual(
          run(preprocessing, { width, height, data: part }),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('cuts the middle out of the resized image', () => {
    const out = run(cropped(4, 8), gradient(16, 8));
    expect([...out.subarray(0, 4)].map((value) => Math.round(value * 255))).toEqual([6, 7, 8, 9]);
    expect(Math.round(out[16]! * 255)).toBe(2);
  });

  it('gives the same with the cached weights as with new ones', () => {
    const preprocessing = stretched(5);
    const preprocess = createPreprocessor(preprocessing);
    const out = new Float32Array(inputLength(preprocessing));
    for (let side = 2; side < 90; side++) preprocess(gradient(side, 91 - side), WHOLE_FRAME, out, 0);
    preprocess(gradient(40, 30), WHOLE_FRAME, out, 0);
    expect(out).toEqual(run(preprocessing, gradient(40, 30)));
  });

  it('takes regions at and over the edge of the frame, one pixel at least', () => {
    for (const box of [
      [1, 1, 0.1, 0.1],
      [-0.5, 0, 0.2, 1],
      [0.99, 0, 0, 1],
    ] as const) {
      expect(run(stretched(2), gradient(10, 10), box).every(Number.isFinite)).toBe(true);
    }
  });

  it('refuses an image with too few bytes and a buffer that is too short', () => {
    const preprocess = createPreprocessor(stretched(2));
    const short = { width: 4, height: 4, data: new Uint8Array(47) };
    expect(() => preprocess(short, WHOLE_FRAME, new Float32Array(12), 0)).toThrow(/47 bytes/);
    expect(() => preprocess(gradient(4, 4), WHOLE_FRAME, new Float32Array(12), 1)).toThrow(/11 floats where 12/);
  });
});

describe('frameNeeded', () => {
  it('asks for exactly the input of a stretched whole frame', () => {
    expect(frameNeeded(stretched(32, 48), [WHOLE_FRAME])).toEqual({ kind: 'exact', width: 48, height: 32 });
  });

  it('asks for so much that no region is enlarged', () => {
    const share = fc.double({ min: 0.05, max: 1, noNaN: true });
    const boxes = fc.array(fc.tuple(fc.constant(0), fc.constant(0), share, share), { minLength: 1, maxLength: 4 });
    const source = { width: 4000, height: 3000 };
    fc.assert(
      fc.property(boxes, fc.boolean(), (regions, keepAspect) => {
        const preprocessing = keepAspect ? cropped(56, 64) : stretched(32);
        const { width, height } = workingSize(frameNeeded(preprocessing, regions), source);
        for (const [, , w, h] of regions) {
          if (keepAspect) expect(Math.min(w * width, h * height)).toBeGreaterThanOrEqual(64 - 1);
          else expect([w * width >= 31.999, h * height >= 31.999]).toEqual([true, true]);
        }
      }),
    );
  });

  it('never asks for more than the camera gives', () => {
    const needed = frameNeeded(cropped(224, 256), [[0, 0, 0.1, 0.1]]);
    expect(workingSize(needed, { width: 640, height: 352 })).toEqual({ width: 640, height: 352 });
  });
});

describe('Preprocessing', () => {
  it('refuses a crop larger than what it is cut from, and a crop without a kept aspect', () => {
    expect(Preprocessing.safeParse(cropped(64, 63)).success).toBe(false);
    expect(Preprocessing.safeParse({ ...stretched(8), crop: 'center' }).success).toBe(false);
  });
});

describe('parseNormalization', () => {
  it('reads presets and numbers', () => {
    expect(parseNormalization('cifar10').mean).toEqual([0.4914, 0.4822, 0.4465]);
    expect(parseNormalization('0.5,0.4,0.3/0.25,0.5,1')).toEqual({
      mean: [0.5, 0.4, 0.3],
      std: [0.25, 0.5, 1],
      channels: 'RGB',
    });
    expect(parseNormalization('bgr:0,0,0/1,1,1').channels).toBe('BGR');
  });

  it.each([
    '',
    'imagenet2',
    '1,2,3',
    '1,2/1,1,1',
    '1,2,3/1,1,0',
    '1,2,3/1,1,1/1',
    'a,b,c/1,1,1',
    '1,,3/1,1,1',
    'toString',
  ])('refuses %j', (text) => {
    expect(() => parseNormalization(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
