import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createFrameReader,
  encodeHeader,
  type FrameHeader,
  parseUpward,
  upwardSchema,
} from '../../../daemon/inference/protocol.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const polygon = fc.array(fc.tuple(share, share), { minLength: 3, maxLength: 9 });
const frame = fc
  .record({
    id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    boxes: fc.array(fc.tuple(share, share, share, share), { minLength: 1, maxLength: 5 }),
    topK: fc.integer({ min: 1, max: 100 }),
    threshold: fc.oneof(share, fc.constant(Number.NaN)),
    drawn: fc.array(fc.option(polygon, { nil: undefined }), { maxLength: 5 }),
  })
  .chain(({ drawn, ...plain }) => {
    const polygons = plain.boxes.map((_, i) => drawn[i]);
    const header = { ...plain, ...(polygons.some((each) => each !== undefined) && { polygons }) };
    const length = header.width * header.height * 3;
    return fc.record({ header: fc.constant(header), data: fc.uint8Array({ minLength: length, maxLength: length }) });
  });

function readerOf(bytes: Uint8Array): ReturnType<typeof createFrameReader> {
  let at = 0;
  return createFrameReader((target) => {
    if (at + target.length > bytes.length) return false;
    target.set(bytes.subarray(at, at + target.length));
    at += target.length;
    return true;
  });
}

describe('the frames of the inference process', () => {
  it('arrive as they were sent, back to back', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), (frames) => {
        const next = readerOf(Buffer.concat(frames.flatMap(({ header, data }) => [encodeHeader(header), data])));
        for (const { header, data } of frames) {
          const { data: got, ...rest } = next() ?? { data: undefined };
          expect(rest).toEqual(header);
          expect(Buffer.from(got ?? [])).toEqual(Buffer.from(data));
        }
        expect(next()).toBeUndefined();
      }),
    );
  });

  it('end quietly in the middle of one: the supervisor is gone', () => {
    fc.assert(
      fc.property(frame, fc.double({ min: 0, max: 0.999, noNaN: true }), ({ header, data }, part) => {
        const bytes = Buffer.concat([encodeHeader(header), data]);
        expect(readerOf(bytes.subarray(0, Math.floor(bytes.length * part)))()).toBeUndefined();
      }),
    );
  });

  it('are refused when they are none, before memory is taken for them', () => {
    const good: FrameHeader = { id: 1, width: 2, height: 2, boxes: [[0, 0, 1, 1]], topK: 1, threshold: 0 };
    for (const [offset, value] of [
      [0, 0],
      [8, 0xffffffff],
      [12, 0],
      [16, 129],
      [24, 1 << 20],
    ] as const) {
      const bytes = encodeHeader(good);
      bytes.writeUInt32LE(value, offset);
      expect(() => readerOf(bytes)()).toThrow('not a frame');
    }
  });
});

describe('the polygons of the frames', () => {
  const header = (polygons: FrameHeader['polygons']): FrameHeader => {
    return { id: 1, width: 1, height: 1, boxes: [[0, 0, 1, 1]], topK: 1, threshold: 0, ...(polygons && { polygons }) };
  };
  const triangle = (x: number) => [
    [
      [x, 0],
      [1, 0],
      [0, 1],
    ] as [number, number][],
  ];

  it('are the same object in every frame, so that each is rasterized once', () => {
    const frames = [triangle(0), triangle(0.5), undefined, triangle(0)].flatMap((polygons) => [
      encodeHeader(header(polygons)),
      Buffer.alloc(3),
    ]);
    const next = readerOf(Buffer.concat(frames));
    const [first, other, none, again] = [next(), next(), next(), next()];
    expect(first?.polygons?.[0]).toEqual(triangle(0)[0]);
    expect(other?.polygons?.[0]).toEqual(triangle(0.5)[0]);
    expect(none?.polygons).toBeUndefined();
    expect(again?.polygons?.[0]).toBe(first?.polygons?.[0]);
  });

  it('are refused where their corners are not those that were announced', () => {
    const bytes = encodeHeader(header(triangle(0)));
    bytes.writeUInt32LE(2, 36 + 32);
    expect(() => readerOf(Buffer.concat([bytes, Buffer.alloc(3)]))()).toThrow('not a frame');
  });
});

describe('the words of the inference process', () => {
  const result = { type: 'result', id: 7, preprocessMs: 0.1, runMs: 2, regions: [[{ index: 3, score: 0.5 }], []] };

  it('are understood', () => {
    expect(parseUpward(JSON.stringify(result))).toEqual(result);
    const fatal = { type: 'fatal', code: 'SESSION_LOAD', message: 'no' };
    expect(parseUpward(JSON.stringify(fatal))).toEqual(fatal);
  });

  it('are refused by the quick look exactly where the schema refuses them', () => {
    const odd = fc.oneof(fc.constantFrom(null, -1, 0.5, 3, '3', [], {}, undefined), fc.jsonValue());
    const ranked = fc.oneof(odd, fc.record({ index: odd, score: odd }));
    const message = fc.record(
      {
        type: fc.constantFrom('result', 'failed', 'nonsense'),
        id: fc.oneof(fc.nat(), odd),
        preprocessMs: fc.oneof(fc.nat(), odd),
        runMs: fc.oneof(fc.nat(), odd),
        regions: fc.oneof(fc.array(fc.array(ranked)), odd),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(message, fc.constant(result)), (value) => {
        const text = JSON.stringify(value);
        const accepted = upwardSchema.safeParse(JSON.parse(text)).success;
        if (accepted) expect(parseUpward(text)).toMatchObject(upwardSchema.parse(JSON.parse(text)));
        else expect(() => parseUpward(text)).toThrow();
      }),
    );
  });
});
