import { writeFile } from 'node:fs/promises';

/**
 * Writes float32 values as a NumPy file, format version 1.0: magic, version, length of the header, the header padded so that
 * the data begins at a multiple of 64 bytes (numpy.lib.format). Little-endian machines only, as all that Wayside runs on.
 *
 * @param values row-major, of shape `dims`
 */
export async function writeNpy(path: string, values: Float32Array, dims: readonly number[]): Promise<void> {
  const fixed = 10;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`;
  const length = Math.ceil((fixed + text.length + 1) / 64) * 64 - fixed;
  const header = Buffer.alloc(fixed + length, ' ');
  header.write('\x93NUMPY\x01\x00', 0, 'latin1');
  header.writeUInt16LE(length, 8);
  header.write(text, fixed, 'latin1');
  header.write('\n', fixed + length - 1, 'latin1');
  await writeFile(path, Buffer.concat([header, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]));
}
