import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST, type ModelPackage } from '../../inference/read-package.ts';
import { invalidBundle } from './header.ts';

const PIECE = 2 ** 16;

/**
 * The files that the digest of a package stands for, in the order in which a bundle counts them. A signature is not
 * among them: it comes and goes without changing what is signed.
 */
export const digestedFiles = ({ manifest }: ModelPackage): string[] =>
  [MANIFEST, ...Object.keys(manifest.files)].sort((a, b) => (a < b ? -1 : 1));

interface ParentFile {
  readonly path: string;
  /** First byte, where all files are taken as one. */
  readonly start: number;
  readonly bytes: number;
}

/** Where the digested files of a package lie, taken as one run of bytes. @param parent its digests were verified */
export async function parentFiles(parent: ModelPackage): Promise<ParentFile[]> {
  const files: ParentFile[] = [];
  let start = 0;
  for (const name of digestedFiles(parent)) {
    const path = join(parent.dir, name);
    const bytes = (await stat(path)).size;
    files.push({ path, start, bytes });
    start += bytes;
  }
  return files;
}

/** Reads what differences refer to. One file is open at a time. */
export class ParentReader {
  readonly #files: readonly ParentFile[];
  #opened: { readonly index: number; readonly handle: FileHandle } | undefined;

  constructor(files: readonly ParentFile[]) {
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
    const handle = await this.#handle(index, file.path);
    const bytes = new Uint8Array(length);
    for (let read = 0; read < length; ) {
      const { bytesRead } = await handle.read(bytes, read, length - read, at + read);
      if (bytesRead === 0) throw invalidBundle('its parent was cut short while it was read');
      read += bytesRead;
    }
    return bytes;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.handle.close();
  }

  async #handle(index: number, path: string): Promise<FileHandle> {
    if (this.#opened?.index !== index) {
      await this.close();
      this.#opened = { index, handle: await open(path, 'r') };
    }
    return this.#opened.handle;
  }
}
