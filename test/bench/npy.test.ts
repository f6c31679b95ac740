import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../bench/harness/peers/npy.ts';

describe('writeNpy', () => {
  it('writes a header that NumPy documents and the values after it, aligned to 64 bytes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'npy-'));
    try {
      const path = join(folder, 'a.npy');
      await writeNpy(path, Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
      const bytes = await readFile(path);
      expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
      const start = 10 + bytes.readUInt16LE(8);
      expect(start % 64).toBe(0);
      expect(bytes.subarray(10, start).toString('latin1')).toMatch(
        /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3,\), \} *\n$/,
      );
      expect(bytes.readFloatLE(start + 5 * 4)).toBe(6);
      expect(bytes.length).toBe(start + 24);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
