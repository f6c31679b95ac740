import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameReader, encodeHeader, type FrameHeader } from '../../../daemon/inference/protocol.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const frame = fc
  .record({
    id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    boxes: fc.array(fc.tuple(share, share, share, share), { minLength: 1, maxLength: 5 }),
    topK: fc.integer({ min: 1, max: 100 }),
    threshold: fc.oneof(share, fc.constant(Number.NaN)),
  })
  .chain((header) => {
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
      [16, 65],
    ] as const) {
      const bytes = encodeHeader(good);
      bytes.writeUInt32LE(value, offset);
      expect(() => readerOf(bytes)()).toThrow('not a frame');
    }
  });
});
