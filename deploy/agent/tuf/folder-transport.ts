import { fileURLToPath } from 'node:url';
import { isSystemError, messageOf, WaysideError } from '../../../core/errors.ts';
import type { FileSystem } from '../../../core/file-system.ts';
import { HttpStatusError } from './http.ts';
import type { Opened, OpenOptions, Transport } from './transport.ts';

/** A repository in a folder, such as one on a stick: `file:` addresses. The stick may go at any time. */
export class FolderTransport implements Transport {
  readonly #files: FileSystem;
  #received = 0;

  constructor(files: FileSystem) {
    this.#files = files;
  }

  get received(): number {
    return this.#received;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async open(url: string, { from = 0, maxBytes, signal }: OpenOptions): Promise<Opened> {
    const path = fileURLToPath(url);
    const size = await this.#files.size(path);
    if (size === undefined) throw new HttpStatusError(url, 404, `${path} is not there`);
    if (size > maxBytes)
      throw new WaysideError('DOWNLOAD_TOO_LARGE', {
        message: `${path} is longer than the ${maxBytes} bytes that it may be`,
      });
    return { resumed: from > 0, body: this.#body(path, from, size, signal) };
  }

  async *#body(path: string, from: number, to: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#files.stream(path, { from, to })) {
        signal?.throwIfAborted();
        this.#received += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      if (!isSystemError(cause, 'ENOENT', 'EIO', 'ENODEV', 'ENXIO', 'ESTALE', 'EACCES')) throw cause;
      throw new WaysideError('DOWNLOAD_FAILED', { message: `${path} broke off: ${messageOf(cause)}`, cause });
    }
  }
}
