import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PpmFrame, PpmParser } from '../../../daemon/camera/ppm.ts';

const image = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    fill: fc.uint8Array({ minLength: 243, maxLength: 243 }),
  })
  .map(({ width, height, fill }) => ({ width, height, data: fill.subarray(0, width * height * 3) }));

const encode = ({ width, height, data }: { width: number; height: number; data: Uint8Array }): Buffer =>
  Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]);

function parse(chunks: readonly Uint8Array[]): PpmFrame[] {
  const frames: PpmFrame[] = [];
  const parser = new PpmParser({ allocate: (bytes) => new Uint8Array(bytes), onFrame: (frame) => frames.push(frame) });
  for (const [i, chunk] of chunks.entries()) parser.push(chunk, i);
  return frames;
}

describe('the PPM parser', () => {
  it('gives back any images, wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(image, { maxLength: 5 }), fc.array(fc.nat(2000), { maxLength: 12 }), (images, cuts) => {
        const stream = Buffer.concat(images.map(encode));
        const edges = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
        const frames = parse(edges.slice(1).map((edge, i) => stream.subarray(edges[i], edge)));
        expect(frames.map(({ width, height, data }) => ({ width, height, data: [...data] }))).toEqual(
          images.map(({ width, height, data }) => ({ width, height, data: [...data] })),
        );
      }),
    );
  });

  it('is not misled by the header of the image before', () => {
    const sizes = [
      [4, 4],
      [4, 4],
      [4, 40],
      [44, 4],
      [4, 4],
    ] as const;
    const stream = Buffer.concat(
      sizes.map(([width, height]) => encode({ width, height, data: new Uint8Array(width * height * 3) })),
    );
    for (const step of [1, 7, 64, stream.length]) {
      const chunks = Array.from({ length: Math.ceil(stream.length / step) }, (_, i) =>
        stream.subarray(i * step, (i + 1) * step),
      );
      expect(parse(chunks).map(({ width, height }) => [width, height])).toEqual(sizes);
    }
  });

  it('takes byte after byte, and dates an image by its first one', () => {
    const bytes = encode({ width: 2, height: 1, data: new Uint8Array(6) });
    const frames = parse([...bytes, ...bytes].map((byte) => Uint8Array.of(byte)));
    expect(frames.map((frame) => frame.firstByteAt)).toEqual([0, bytes.length]);
  });

  it('refuses what is not PPM, what is too large and what has no pixels, before it asks for memory', () => {
    const bad = [
      'JFIF',
      'P5\n1 1\n255\n',
      'P6\n0 4\n255\n',
      'P6\n99999 2\n255\n',
      'P6\n16384 16384\n255\n',
      'P6\n1 1\n65535\n',
      `P6${' '.repeat(80)}`,
    ];
    for (const text of bad) {
      const parser = new PpmParser({
        allocate: () => expect.fail('memory was asked for'),
        onFrame: () => expect.fail('a frame came out'),
      });
      const feed = (): void => parser.push(Buffer.from(text.padEnd(80, ' ')), 0);
      expect(feed, text).toThrow(expect.objectContaining({ code: 'DECODER_UNAVAILABLE' }) as Error);
    }
  });

  it('never does worse than a coded error on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        try {
          parse(chunks);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'DECODER_UNAVAILABLE' });
        }
      }),
    );
  });
});
