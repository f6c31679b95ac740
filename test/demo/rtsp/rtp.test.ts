import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnnexBReader } from '../../../demo/rtsp/annexb.ts';
import { type AccessUnit, accessUnit, type Codec } from '../../../demo/rtsp/nal.ts';
import { payloadsOf, RtpStream, rtpTime } from '../../../demo/rtsp/rtp.ts';

/** A NAL unit of some type with arbitrary content, without start codes inside, as emulation prevention guarantees. */
const nalOf = (codec: Codec, type: number, first: boolean, body: Uint8Array): Uint8Array => {
  const header = codec === 'h264' ? [0x60 | type] : [type << 1, 1];
  const content = body.map((byte) => byte | 4); // no zeros and no ones
  content[0] = first ? 0x84 : 0x04;
  return Uint8Array.from([...header, ...content]);
};
const body = fc.uint8Array({ minLength: 1, maxLength: 5000 });
const sliceType = {
  h264: { key: 5, picture: 1, sets: [7, 8] },
  h265: { key: 19, picture: 1, sets: [32, 33, 34] },
} as const;

/** Pictures of one to three slices, keyframes with their parameter sets. */
const pictures = (codec: Codec): fc.Arbitrary<AccessUnit[]> => {
  const types = sliceType[codec];
  const picture = fc.tuple(
    fc.boolean(),
    fc.array(body, { minLength: 1, maxLength: 3 }),
    fc.uint8Array({ minLength: 1, maxLength: 30 }),
  );
  return fc.array(
    picture.map(([key, slices, set]) => {
      const sets = key ? types.sets.map((type) => nalOf(codec, type, false, set)) : [];
      const coded = slices.map((slice, i) => nalOf(codec, key ? types.key : types.picture, i === 0, slice));
      return accessUnit(codec, [...sets, ...coded]);
    }),
    { minLength: 1, maxLength: 4 },
  );
};

/** An independent reading of RFC 6184 section 5 and RFC 7798 section 4.4. */
function unpack(codec: Codec, payloads: readonly Buffer[]): Uint8Array[] {
  const nals: Uint8Array[] = [];
  const [header, together, parted] = codec === 'h264' ? [1, 24, 28] : [2, 48, 49];
  let parts: Uint8Array[] = [];
  for (const payload of payloads) {
    const type = codec === 'h264' ? payload[0]! & 31 : payload[0]! >> 1;
    if (type === together) {
      for (let at = header; at < payload.length; at += 2 + payload.readUInt16BE(at)) {
        nals.push(payload.subarray(at + 2, at + 2 + payload.readUInt16BE(at)));
      }
    } else if (type === parted) {
      const flags = payload[header]!;
      const original = codec === 'h264' ? [(payload[0]! & 0xe0) | (flags & 31)] : [(flags & 63) << 1, payload[1]!];
      if (flags & 0x80) parts = [Uint8Array.from(original)];
      parts.push(payload.subarray(header + 1));
      if (flags & 0x40) nals.push(Buffer.concat(parts));
    } else nals.push(payload);
  }
  return nals;
}

const plain = (nals: readonly Uint8Array[]): number[][] => nals.map((nal) => [...nal]);

describe.each(['h264', 'h265'] as const)('%s', (codec) => {
  it('comes out of its packets as it went in, and no packet is too large', () => {
    fc.assert(
      fc.property(pictures(codec), fc.integer({ min: 40, max: 1400 }), (units, largest) => {
        for (const unit of units) {
          const payloads = payloadsOf(codec, unit, largest);
          expect(plain(unpack(codec, payloads))).toEqual(plain(unit.nals));
          expect(Math.max(...payloads.map((payload) => payload.length))).toBeLessThanOrEqual(largest);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is cut into the same pictures wherever its byte stream is cut', () => {
    fc.assert(
      fc.property(pictures(codec), fc.array(fc.nat(30_000), { maxLength: 8 }), fc.boolean(), (units, cuts, long) => {
        const startCode = Buffer.from(long ? [0, 0, 0, 1] : [0, 0, 1]);
        const stream = Buffer.concat(units.flatMap((unit) => unit.nals.flatMap((nal) => [startCode, nal])));
        const edges = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
        const found: AccessUnit[] = [];
        const reader = new AnnexBReader(codec, (unit) => found.push(unit));
        for (const [i, edge] of edges.slice(1).entries()) reader.push(stream.subarray(edges[i], edge));
        reader.end();
        expect(found.map(({ key, nals }) => [key, plain(nals)])).toEqual(
          units.map(({ key, nals }) => [key, plain(nals)]),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('RTP', () => {
  it('numbers packets without a gap over the wrap, and stamps frame i with i / fps', () => {
    const stream = new RtpStream(() => 0.99999);
    const packets = Array.from({ length: 5 }, (_, i) => stream.packet(new Uint8Array(3), rtpTime(i, 12.5), true));
    const numbers = packets.map((packet) => packet.readUInt16BE(2));
    const times = packets.map((packet) => packet.readUInt32BE(4));
    for (let i = 1; i < 5; i++) {
      expect((numbers[i]! - numbers[i - 1]!) & 0xffff).toBe(1);
      expect((times[i]! - times[i - 1]!) >>> 0).toBe(7200);
    }
    expect(stream.octets).toBe(15);
  });
});
