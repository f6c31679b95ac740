import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { type Digest, digestOf } from '../../core/hash.ts';
import type { Manifest } from '../../inference/manifest.ts';
import {
  invalidPackage,
  LARGEST_MANIFEST,
  MANIFEST,
  MODEL,
  parseManifest,
  requireGoldenSizes,
  requireHarmlessModel,
  SIGNATURE,
} from '../../inference/read-package.ts';

async function digestOfStream(files: FileSystem, path: string): Promise<{ digest: Digest; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of files.stream(path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: `sha256:${hash.digest('hex')}`, bytes };
}

/** @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID where it is larger than any manifest */
export async function readManifestText(files: FileSystem, dir: string): Promise<Buffer> {
  const path = join(dir, MANIFEST);
  const size = await files.size(path);
  if (size === undefined) {
    const hint = 'a model package is a folder with manifest.json and model.onnx in it';
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: it is not there`, hint });
  }
  if (size > LARGEST_MANIFEST)
    throw invalidPackage(dir, `${MANIFEST}: ${size} bytes are more than ${LARGEST_MANIFEST}`);
  return files.read(path);
}

/** What is there beside the files that a package names: `readPackage` refuses it, and so must whoever puts a package there. */
async function requireNothingElse(files: FileSystem, dir: string, names: readonly string[]): Promise<void> {
  const folders = new Map<string, Set<string>>([['', new Set([MANIFEST, SIGNATURE])]]);
  for (const name of names) {
    const parts = name.split('/');
    for (const [depth, part] of parts.entries()) {
      const folder = parts.slice(0, depth).join('/');
      folders.set(folder, (folders.get(folder) ?? new Set()).add(part));
    }
  }
  for (const [folder, expected] of folders) {
    const extra = (await files.list(join(dir, folder))).find((name) => !expected.has(name));
    if (extra !== undefined) throw invalidPackage(dir, `${join(folder, extra)} is not named in the manifest`);
  }
}

/**
 * Checks every byte that a package names, and that nothing else is there, through the store's own way to the disk.
 *
 * @param digest what the package must be; any where it is not known
 * @throws {WaysideError} PACKAGE_INVALID
 */
export async function verifyPackage(files: FileSystem, dir: string, digest?: string): Promise<Manifest> {
  try {
    const text = await readManifestText(files, dir);
    const found = digestOf(text);
    if (digest !== undefined && found !== digest) throw invalidPackage(dir, `expected package ${digest}, got ${found}`);
    const manifest = parseManifest(dir, text.toString('utf8'));
    if (manifest.files[MODEL] === undefined) throw invalidPackage(dir, `the manifest names no ${MODEL}`);
    await requireNothingElse(files, dir, Object.keys(manifest.files));
    for (const [name, wanted] of Object.entries(manifest.files)) {
      const got = await digestOfStream(files, join(dir, name));
      if (got.digest !== wanted.digest || got.bytes !== wanted.bytes)
        throw invalidPackage(dir, `${name}: expected ${wanted.digest}, got ${got.digest}`);
    }
    requireGoldenSizes(dir, manifest);
    await files.look(join(dir, MODEL), (model) => requireHarmlessModel(dir, manifest, model));
    return manifest;
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    throw invalidPackage(dir, `it cannot be read: ${messageOf(cause)}`);
  }
}
