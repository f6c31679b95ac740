import { join } from 'node:path';
import type { FileSystem } from '../../core/file-system.ts';
import type { Manifest } from '../../inference/manifest.ts';
import { MANIFEST } from '../../inference/read-package.ts';
import { bytesAt } from './byte-source.ts';
import { invalidBundle } from './header.ts';

const PIECE = 2 ** 16;

/**
 * The files that the digest of a package stands for, in the order in which a bundle counts them. A signature is not
 * among them: it comes and goes without changing what is signed.
 */
export const digestedFiles = ({ manifest }: { readonly manifest: Manifest }): string[] =>
  [MANIFEST, ...Object.keys(manifest.files)].sort((a, b) => (a < b ? -1 : 1));

interface ParentFile {
  readonly path: string;
  /** First byte, where all files are taken as one. */
  readonly start: number;
  readonly bytes: number;
}

/** Where the digested files of a package lie, taken as one run of bytes. Its digests were verified. */
export async function parentFiles(files: FileSystem, dir: string, manifest: Manifest): Promise<ParentFile[]> {
  const found: ParentFile[] = [];
  let start = 0;
  for (const name of digestedFiles({ manifest })) {
    const path = join(dir, name);
    const bytes = (await files.size(path)) ?? 0;
    found.push({ path, start, bytes });
    start += bytes;
  }
  return found;
}

/** Reads what differences refer to. */
export class ParentReader {
  readonly #disk: FileSystem;
  readonly #files: readonly ParentFile[];

  constructor(disk: FileSystem, files: readonly ParentFile[]) {
    this.#disk = disk;
    this.#files = files;
  }

  /** Bytes of all files taken as one. @throws {WaysideError} BUNDLE_INVALID beyond the last */
  async *read(at: number, length: number): AsyncGenerator<Uint8Array> {
    for (let [from, left] = [at, length]; left > 0; ) {
      const index = this.#files.findLastIndex(({ start }) => start <= from);
      const file = this.#files[index];
      const inside = file === undefined ? 0 : Math.min(file.start + file.bytes - from, left, PIECE);
      if (file === undefined || inside <= 0) throw invalidBundle('it copies bytes that its parent does not have');
      yield await this.readIn(index, from - file.start, inside);
      from += inside;
      left -= inside;
    }
  }

  /** Bytes of one file, by its number. @throws {WaysideError} BUNDLE_INVALID outside of it */
  async readIn(index: number, at: number, length: number): Promise<Uint8Array> {
    const file = this.#files[index];
    if (file === undefined || at + length > file.bytes)
      throw invalidBundle('it refers to bytes that its parent does not have');
    return bytesAt(this.#disk, file.path, at, length);
  }
}
