import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf, digestOfFile } from '../../core/hash.ts';

describe('digests', () => {
  it('are SHA-256 in hexadecimal: the example of FIPS 180-2, B.1', () => {
    expect(digestOf('abc')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('of a file are those of its bytes, across the pieces it is read in', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wayside-hash-'));
    try {
      const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 256);
      await writeFile(join(folder, 'model.onnx'), bytes);
      expect(await digestOfFile(join(folder, 'model.onnx'))).toBe(digestOf(bytes));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
