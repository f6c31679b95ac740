import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { type Digest, digestOf } from '../../core/hash.ts';
import type { Manifest } from '../../inference/manifest.ts';
import { invalidPackage, MANIFEST, parseManifest } from '../../inference/read-package.ts';

async function digestOfStream(files: FileSystem, path: string): Promise<{ digest: Digest; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of files.stream(path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: `sha256:${hash.digest('hex')}`, bytes };
}

/**
 * Checks every byte that a package names, through the store's own way to the disk. What is there beside is not read by anyone, and
 * refused where a package is admitted to a process (`readPackage`).
 *
 * @param digest what the package must be; any where it is not known
 * @throws {WaysideError} PACKAGE_INVALID
 */
export async function verifyPackage(files: FileSystem, dir: string, digest?: string): Promise<Manifest> {
  try {
    const text = await files.read(join(dir, MANIFEST));
    const found = digestOf(text);
    if (digest !== undefined && found !== digest) throw invalidPackage(dir, `expected package ${digest}, got ${found}`);
    const manifest = parseManifest(dir, text.toString('utf8'));
    for (const [name, wanted] of Object.entries(manifest.files)) {
      const got = await digestOfStream(files, join(dir, name));
      if (got.digest !== wanted.digest)
        throw invalidPackage(dir, `${name}: expected ${wanted.digest}, got ${got.digest}`);
    }
    return manifest;
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    throw invalidPackage(dir, `it cannot be read: ${messageOf(cause)}`);
  }
}
