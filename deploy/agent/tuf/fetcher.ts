import type { Fetcher } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import { type BackoffPlan, backoffMs } from '../../../core/backoff.ts';
import { WaysideError } from '../../../core/errors.ts';
import { HttpStatusError } from './http.ts';
import { checkMetadata } from './metadata-checks.ts';
import type { Transport } from './transport.ts';

export const RETRIES: BackoffPlan & { readonly attempts: number } = { attempts: 3, firstMs: 200, longestMs: 5_000 };

/**
 * Whoever holds the key of the timestamp says how long the snapshot is, and so on down: what is held in memory has an end all
 * the same. The most that tuf-js takes of a document of no stated length is 5 MB.
 */
const LARGEST_DOCUMENT = 16 * 1024 * 1024;

/** What another attempt may mend: no answer, a broken connection, a fault of the server. */
export const isPassing = (thrown: unknown): boolean =>
  thrown instanceof WaysideError &&
  thrown.code === 'DOWNLOAD_FAILED' &&
  (!(thrown instanceof HttpStatusError) || thrown.status >= 500);

/** Waits before another attempt, unless it is stopped. */
export async function waitToRetry(failures: number, signal: AbortSignal | undefined): Promise<void> {
  const { setTimeout } = await import('node:timers/promises');
  await setTimeout(backoffMs(RETRIES, failures, Math.random()), undefined, signal === undefined ? {} : { signal });
}

/**
 * Metadata for tuf-js: checked for what it does not check itself before it sees a byte. Bundles are fetched by `download.ts`.
 *
 * tuf-js wraps what is thrown here in text: `onError` is told the error itself.
 */
export function metadataFetcher(
  http: Transport,
  { signal, onError }: { readonly signal?: AbortSignal; readonly onError: (error: unknown) => void },
): Fetcher {
  const read = async (url: string, maxBytes: number): Promise<Buffer> => {
    const { body } = await http.open(url, {
      maxBytes: Math.min(maxBytes, LARGEST_DOCUMENT),
      ...(signal && { signal }),
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  return {
    async downloadBytes(url, maxBytes) {
      for (let failures = 0; ; ) {
        try {
          const bytes = await read(url, maxBytes);
          checkMetadata(new URL(url).pathname.split('/').at(-1) ?? url, bytes);
          return bytes;
        } catch (error) {
          // The answer that there is no newer root: tuf-js asks for its own class.
          if (error instanceof HttpStatusError && [403, 404].includes(error.status)) {
            onError(error);
            throw new DownloadHTTPError(error.message, error.status);
          }
          if (isPassing(error) && ++failures < RETRIES.attempts) {
            await waitToRetry(failures, signal);
            continue;
          }
          onError(error);
          throw error;
        }
      }
    },
    downloadFile: () => {
      throw new WaysideError('INTERNAL', { message: 'bundles are not fetched through tuf-js' });
    },
  };
}
