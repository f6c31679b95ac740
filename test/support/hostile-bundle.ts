import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { BundleHeader } from '../../deploy/bundle/header.ts';

/** A bundle taken apart. */
export interface BundleParts {
  readonly header: BundleHeader;
  readonly rest: Uint8Array;
  readonly codes: Uint8Array;
}

export function takeApart(bytes: Uint8Array): BundleParts {
  const length = Buffer.from(bytes).readUInt32LE(8);
  const header = JSON.parse(brotliDecompressSync(bytes.subarray(12, 12 + length)).toString()) as BundleHeader;
  const at = 12 + length;
  return { header, rest: bytes.subarray(at, at + header.rest), codes: bytes.subarray(at + header.rest, -32) };
}

/** A bundle whose digest fits whatever it says. */
export function sealed(header: unknown, rest: Uint8Array, codes: Uint8Array): Uint8Array {
  const packed = brotliCompressSync(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(packed.length);
  const magic = Buffer.from('8f5753420d0a1a0a', 'hex');
  const covered = Buffer.concat([magic, length, packed, rest, codes]);
  return Buffer.concat([covered, createHash('sha256').update(covered).digest()]);
}

/** Zeros, packed so that it takes a thousandth of the time that the best packing takes. */
export const packedZeros = (bytes: number): Buffer =>
  brotliCompressSync(new Uint8Array(bytes), { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } });
