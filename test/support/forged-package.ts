import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../core/hash.ts';

interface Listed {
  readonly files: Record<string, { digest: string; bytes: number }>;
}

/** Puts files into a package, and makes its manifest name them as they are: what somebody with a signing key can make. */
export async function forge(dir: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const path = join(dir, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Listed;
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(dir, name), bytes);
    manifest.files[name] = { digest: digestOf(bytes), bytes: bytes.length };
  }
  await writeFile(path, JSON.stringify(manifest));
}

/** What a client sees that checks digests alone: whether every file is what the manifest says. */
export async function digestsFit(dir: string): Promise<boolean> {
  const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as Listed;
  const fit = await Promise.all(
    Object.entries(manifest.files).map(
      async ([name, { digest }]) => digestOf(await readFile(join(dir, name))) === digest,
    ),
  );
  return fit.every(Boolean);
}
