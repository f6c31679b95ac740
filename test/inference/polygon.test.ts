import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inside } from '../../daemon/vision/geometry.ts';
import type { RgbImage } from '../../inference/image.ts';
import { boundsOf, createSurround, type Polygon } from '../../inference/polygon.ts';
import { createPreprocessor, inputLength, type Preprocessing } from '../../inference/preprocess.ts';

const preprocessing: Preprocessing = {
  size: [8, 8],
  resize: 'stretch',
  crop: 'none',
  mean: [0.2, 0.4, 0.6],
  std: [1, 1, 1],
  layout: 'NCHW',
  channels: 'RGB',
};
const PADDING = [51, 102, 153];

const plain = (width: number, height: number, value = 255): RgbImage => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
});

const pixelAt = ({ data, width }: RgbImage, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

const TRIANGLE: Polygon = [
  [0, 0],
  [1, 0],
  [0, 1],
];

/** Also those whose edges cross: even-odd is even-odd. */
const share = fc.noBias(fc.integer({ min: 0, max: 997 })).map((value) => value / 997);
const polygons = fc.array(fc.tuple(share, share), { minLength: 3, maxLength: 9 });
const side = fc.integer({ min: 1, max: 40 });

describe('createSurround', () => {
  it('shows the pixels whose middle is inside the polygon, and padding for all others of its box', () => {
    const surround = createSurround(preprocessing);
    fc.assert(
      fc.property(polygons, side, side, (polygon, width, height) => {
        const shown = surround(plain(width, height), polygon);
        const [x, y, w, h] = boundsOf(polygon);
        const middles = Array.from(
          { length: width * height },
          (_, at) => [at % width, Math.floor(at / width)] as const,
        );
        const within = middles.filter(
          ([px, py]) =>
            px >= Math.round(x * width) &&
            px < Math.round((x + w) * width) &&
            py >= Math.round(y * height) &&
            py < Math.round((y + h) * height),
        );
        const isInside = ([px, py]: readonly [number, number]) =>
          inside(polygon, [(px + 0.5) / width, (py + 0.5) / height]);
        fc.pre(within.some(isInside));
        expect(within.map((pixel) => pixelAt(shown, ...pixel))).toEqual(
          within.map((pixel) => (isInside(pixel) ? [255, 255, 255] : PADDING)),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('lets nothing outside the polygon change what the model is given', () => {
    const surround = createSurround(preprocessing);
    const preprocess = createPreprocessor(preprocessing);
    const given = (image: RgbImage, polygon: Polygon): Float32Array => {
      const out = new Float32Array(inputLength(preprocessing));
      preprocess(surround(image, polygon), boundsOf(polygon), out, 0);
      return out;
    };
    const pixels = fc.uint8Array({ minLength: 12 * 9 * 3, maxLength: 12 * 9 * 3 });
    fc.assert(
      fc.property(polygons, pixels, pixels, (polygon, data, other) => {
        const isInside = (at: number): boolean =>
          inside(polygon, [((at % 12) + 0.5) / 12, (Math.floor(at / 12) + 0.5) / 9]);
        fc.pre(data.some((_, i) => isInside(Math.floor(i / 3))));
        const mixed = Uint8Array.from(data, (value, i) => (isInside(Math.floor(i / 3)) ? value : (other[i] ?? 0)));
        const [width, height] = [12, 9];
        expect(given({ width, height, data: mixed }, polygon)).toEqual(given({ width, height, data }, polygon));
      }),
      { numRuns: 100 },
    );
  });

  it('leaves the image as it was, and takes images of other sizes in between', () => {
    const surround = createSurround(preprocessing);
    const image = plain(7, 9);
    const first = Buffer.from(surround(image, TRIANGLE).data);
    surround(plain(40, 3, 9), TRIANGLE);
    surround(plain(3, 40, 9), TRIANGLE);
    expect(Buffer.from(surround(image, TRIANGLE).data)).toEqual(first);
    expect(image.data.every((value) => value === 255)).toBe(true);
  });

  it('shows one pixel at least, as of a box', () => {
    const speck: Polygon = [
      [0.3, 0.3],
      [0.301, 0.3],
      [0.3, 0.301],
    ];
    const shown = createSurround(preprocessing)(plain(10, 10), speck);
    expect(pixelAt(shown, 3, 3)).toEqual([255, 255, 255]);
  });

  it('fills with the padding of a letterbox, where the model knows one', () => {
    const surround = createSurround({ ...preprocessing, resize: { letterbox: 114 } });
    expect(pixelAt(surround(plain(4, 4), TRIANGLE), 3, 3)).toEqual([114, 114, 114]);
  });

  it('becomes nothing when it is normalised by the mean, whatever the order of the planes', () => {
    for (const channels of ['RGB', 'BGR'] as const) {
      const as = { ...preprocessing, size: [1, 1] as const, channels };
      const out = new Float32Array(3);
      createPreprocessor(as)(createSurround(as)(plain(10, 10), TRIANGLE), [0.9, 0.9, 0.1, 0.1], out, 0);
      for (const value of out) expect(value).toBeCloseTo(0, 6);
    }
  });

  it('refuses an image with too few bytes', () => {
    const surround = createSurround(preprocessing);
    expect(() => surround({ width: 4, height: 4, data: new Uint8Array(47) }, TRIANGLE)).toThrow(/47 bytes/);
  });
});
