import type { FileSystem } from '../../core/file-system.ts';
import { invalidBundle } from './header.ts';

/** Takes bytes out of a stream in lengths that somebody else decides. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes, in pieces. @throws {WaysideError} BUNDLE_INVALID where the stream ends before */
  async *take(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (this.#chunk.length === 0 && !(await this.#more()))
        throw invalidBundle('what it holds beside codes ends too early');
      const piece = this.#chunk.subarray(0, left);
      this.#chunk = this.#chunk.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** All that is left. */
  async *remaining(): AsyncGenerator<Uint8Array> {
    do {
      const piece = this.#chunk;
      this.#chunk = new Uint8Array();
      if (piece.length > 0) yield piece;
    } while (await this.#more());
  }

  /** @throws {WaysideError} BUNDLE_INVALID where the stream goes on */
  async requireEnd(): Promise<void> {
    if (this.#chunk.length > 0 || (await this.#more())) throw invalidBundle('it holds more bytes than its files take');
  }

  /** False at the end. Never leaves an empty chunk behind. */
  async #more(): Promise<boolean> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#chunk = next.value;
      if (this.#chunk.length > 0) return true;
    }
  }
}

/** @throws {WaysideError} BUNDLE_INVALID where the file ends before */
export async function bytesAt(files: FileSystem, path: string, at: number, length: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of files.stream(path, { from: at, to: at + length })) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  if (bytes.length < length) throw invalidBundle('it, or its parent, is cut short');
  return bytes;
}
