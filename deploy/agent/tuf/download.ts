import { createHash, getHashes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { TargetFile } from '@tufjs/models';
import { WaysideError } from '../../../core/errors.ts';
import { type FileSystem, writeFailed } from '../../../core/file-system.ts';
import { isPassing, RETRIES, waitToRetry } from './fetcher.ts';
import { HttpStatusError } from './http.ts';
import type { Opened, Transport } from './transport.ts';

interface DownloadOptions {
  readonly files: FileSystem;
  readonly http: Transport;
  /** Where targets lie. */
  readonly baseUrl: string;
  /** Whether file names carry the digest (TUF 1.0.34, 6.2). */
  readonly consistentSnapshot: boolean;
  readonly signal?: AbortSignal;
  /** Bytes there of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where a target lies: `DIR/DIGEST.NAME` of its path `DIR/NAME`. */
function targetUrl(baseUrl: string, target: TargetFile, consistentSnapshot: boolean): string {
  const parts = target.path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new WaysideError('UPDATE_REFUSED', { message: `"${target.path}" is no path of a target` });
  }
  const name = parts.pop() ?? '';
  const [digest] = Object.values(target.hashes);
  const segments = [...parts, consistentSnapshot ? `${digest}.${name}` : name].map(escaped);
  return `${baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`}${segments.join('/')}`;
}

/** As little as leaves the address what it is: some servers look names up as they come. */
const escaped = (part: string): string => encodeURI(part).replace(/[?#]/g, encodeURIComponent);

/** Whether a file is the target, by its length and every digest that was signed. */
async function isTarget(files: FileSystem, path: string, target: TargetFile): Promise<boolean> {
  const { length, hashes } = target;
  if ((await files.size(path)) !== length) return false;
  const known = new Set(getHashes().map((name) => name.toLowerCase()));
  const digests = Object.keys(hashes).map((name) => ({ name, known: known.has(name.toLowerCase()) }));
  if (digests.length === 0 || digests.some((digest) => !digest.known)) {
    throw new WaysideError('UPDATE_REFUSED', {
      message: `${target.path} is signed with digests that cannot be checked: ${Object.keys(hashes).join(', ') || 'none'}`,
    });
  }
  const running = digests.map(({ name }) => ({ name, hash: createHash(name) }));
  for await (const chunk of files.stream(path)) for (const { hash } of running) hash.update(chunk);
  return running.every(({ name, hash }) => hash.digest('hex') === hashes[name]);
}

/** Where the beginning of a target is kept between attempts: named by its content, so that another is never taken for it. */
const partOf = (path: string, target: TargetFile): string =>
  join(dirname(path), `.${(Object.values(target.hashes)[0] ?? '').slice(0, 64)}.part`);

/**
 * Fetches a target into a file that appears when it is whole and right. What came before a break, or before the last start,
 * is gone on from; bytes that turn out to be wrong are thrown away and fetched once more from the beginning.
 *
 * @throws {WaysideError} UPDATE_REFUSED, DOWNLOAD_FAILED, DOWNLOAD_SLOW, DOWNLOAD_TOO_LARGE, FILE_WRITE_FAILED
 */
export async function downloadTarget(target: TargetFile, path: string, options: DownloadOptions): Promise<void> {
  const { files, signal } = options;
  if (await isTarget(files, path, target)) return;
  const part = partOf(path, target);
  const url = targetUrl(options.baseUrl, target, options.consistentSnapshot);
  for (let failures = 0, again = false; ; ) {
    const before = (await files.size(part)) ?? 0;
    try {
      if (before !== target.length || target.length === 0) await fetchRest(url, part, target.length, before, options);
      if (await isTarget(files, part, target)) break;
    } catch (error) {
      const came = ((await files.size(part)) ?? 0) > before;
      failures = came ? 1 : failures + 1; // a link that brings something each time gets there
      if (!isPassing(error) || failures >= RETRIES.attempts) throw error;
      await waitToRetry(failures, signal);
      continue;
    }
    await files.remove(part);
    if (again || before === 0) {
      throw new WaysideError('UPDATE_REFUSED', { message: `${target.path} is not what was signed` });
    }
    again = true;
  }
  try {
    await files.rename(part, path);
    await files.syncFolder(dirname(path));
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

async function fetchRest(
  url: string,
  part: string,
  length: number,
  from: number,
  { http, files, signal, onProgress }: DownloadOptions,
): Promise<void> {
  const { resumed, body } = await openFrom(http, url, from < length ? from : 0, length, signal);
  const file = await files.open(part, 'append', 0o600);
  try {
    let done = resumed ? from : 0;
    if (!resumed) await file.truncate(0);
    for await (const chunk of body) {
      try {
        await file.write(chunk);
      } catch (cause) {
        throw writeFailed(part, cause);
      }
      done += chunk.length;
      onProgress?.(done, length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A server that refuses to go on is asked for the whole. */
async function openFrom(
  http: Transport,
  url: string,
  from: number,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const options = { maxBytes, ...(signal && { signal }) };
  if (from === 0) return http.open(url, options);
  try {
    return await http.open(url, { ...options, from });
  } catch (error) {
    if (!(error instanceof HttpStatusError) || ![206, 416].includes(error.status)) throw error;
    return http.open(url, options);
  }
}
