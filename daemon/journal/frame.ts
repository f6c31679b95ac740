import { createHash } from 'node:crypto';
import { crc32c } from './crc32c.ts';

/**
 * How a record lies in a segment:
 *
 * | bytes | |
 * |---|---|
 * | 4 | length of the body, little-endian |
 * | 4 | CRC-32C of everything else in the frame: what is torn or flipped |
 * | 32 | SHA-256 of the hash of the record before, type and body: what is edited, dropped, added or put elsewhere |
 * | 1 | type: `H` header of the segment, `M` message, `A` acknowledgement |
 * | n | body |
 */
export const FRAME_BYTES = 41;
const CRC_AT = 4;
const HASH_AT = 8;
const TYPE_AT = 40;
/** A message of the contract takes a few kB: a longer length is damage, and is not waited for. */
export const LONGEST_BODY = 1 << 20;

const TYPES = { header: 0x48, message: 0x4d, acknowledged: 0x41 } as const;
export type FrameType = keyof typeof TYPES;
const typeOf = (byte: number | undefined): FrameType | undefined =>
  (Object.keys(TYPES) as FrameType[]).find((type) => TYPES[type] === byte);

/** What the chain begins with. */
export const NO_HASH: Buffer = Buffer.alloc(32);

export interface Frame {
  readonly type: FrameType;
  readonly body: Buffer;
  readonly hash: Buffer;
  /** Where the frame begins, and where the next one does. */
  readonly from: number;
  readonly to: number;
}

export const hashOf = (previous: Uint8Array, type: FrameType, body: Uint8Array): Buffer =>
  createHash('sha256').update(previous).update(Buffer.of(TYPES[type])).update(body).digest();

/** A record after the one with the hash `previous`. */
export function encodeFrame(
  previous: Uint8Array,
  type: FrameType,
  body: Uint8Array,
): { readonly bytes: Buffer; readonly hash: Buffer } {
  const hash = hashOf(previous, type, body);
  const bytes = Buffer.allocUnsafe(FRAME_BYTES + body.length);
  bytes.writeUInt32LE(body.length, 0);
  bytes.set(hash, HASH_AT);
  bytes[TYPE_AT] = TYPES[type];
  bytes.set(body, FRAME_BYTES);
  bytes.writeUInt32LE(checksumOf(bytes), CRC_AT);
  return { bytes, hash };
}

const checksumOf = (frame: Buffer): number => crc32c(frame.subarray(HASH_AT), crc32c(frame.subarray(0, CRC_AT)));

/** The frame at a place; undefined where the bytes end before it does, or are none. The chain is not looked at. */
export function frameAt(bytes: Buffer, from: number): Frame | undefined {
  if (from + FRAME_BYTES > bytes.length) return undefined;
  const length = bytes.readUInt32LE(from);
  const to = from + FRAME_BYTES + length;
  if (length > LONGEST_BODY || to > bytes.length) return undefined;
  const frame = bytes.subarray(from, to);
  const type = typeOf(frame[TYPE_AT]);
  if (type === undefined || frame.readUInt32LE(CRC_AT) !== checksumOf(frame)) return undefined;
  return { type, body: frame.subarray(FRAME_BYTES), hash: frame.subarray(HASH_AT, TYPE_AT), from, to };
}
