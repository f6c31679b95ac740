import type { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { EnvHttpProxyAgent, request } from 'undici';
import { messageOf, WaysideError } from '../../../core/errors.ts';
import { VERSION } from '../../../core/layout.ts';
import { chunksOf } from './chunks.ts';
import type { Opened, OpenOptions, Transport } from './transport.ts';

export interface DownloadLimits {
  /** Bytes that may come in all, over every download of this client. @default unlimited */
  readonly quotaBytes?: number;
  /** A download that brings less, averaged over `rateWindowMs`, is given up. Bytes a second. @default 1024 */
  readonly minimumRate?: number;
  /** @default 30000 */
  readonly rateWindowMs?: number;
  /** To connect, and from the request to the first line of the answer. @default 30000 */
  readonly answerMs?: number;
  /** Certificates, PEM, that servers are trusted by beside those of the system. */
  readonly ca?: string;
}

/** Enough for a mirror to send one on to its storage; a circle ends soon. */
const MOST_REDIRECTS = 3;
const REDIRECTS = [301, 302, 303, 307, 308];

/** A server said no. */
export class HttpStatusError extends WaysideError {
  readonly status: number;

  constructor(url: string, status: number, message = `${shown(url)} answered with status ${status}`) {
    super('DOWNLOAD_FAILED', { message });
    this.status = status;
  }
}

/** Without credentials and query, which may hold a token. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** GET with limits on bytes and slowness. Proxies are taken from `http_proxy`, `https_proxy` and `no_proxy`. */
export class HttpClient implements Transport {
  readonly #limits: Required<Omit<DownloadLimits, 'ca'>>;
  readonly #dispatcher: EnvHttpProxyAgent;
  #received = 0;

  constructor({
    quotaBytes = Number.POSITIVE_INFINITY,
    minimumRate = 1024,
    rateWindowMs = 30_000,
    answerMs = 30_000,
    ca,
  }: DownloadLimits = {}) {
    this.#limits = { quotaBytes, minimumRate, rateWindowMs, answerMs };
    // The whole body has no time limit of its own: the rate is one.
    this.#dispatcher = new EnvHttpProxyAgent({
      connect: { timeout: answerMs, ...(ca !== undefined && { ca: [...rootCertificates, ca] }) },
      headersTimeout: answerMs,
      bodyTimeout: 0,
    });
  }

  /** Bytes of response bodies so far. */
  get received(): number {
    return this.#received;
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  /** @throws {WaysideError} DOWNLOAD_FAILED, DOWNLOAD_SLOW, DOWNLOAD_TOO_LARGE, the latter two also while the body is read */
  async open(url: string, { from = 0, maxBytes, signal }: OpenOptions): Promise<Opened> {
    const slow = new AbortController();
    const signals = signal === undefined ? slow.signal : AbortSignal.any([slow.signal, signal]);
    let address = url;
    for (let redirects = 0; ; redirects++) {
      const headers = { 'user-agent': `wayside/${VERSION}`, ...(from > 0 && { range: `bytes=${from}-` }) };
      const response = await request(address, { dispatcher: this.#dispatcher, headers, signal: signals }).catch(
        (cause: unknown) => {
          signal?.throwIfAborted();
          throw new WaysideError('DOWNLOAD_FAILED', { message: `${shown(address)}: ${reasonOf(cause)}`, cause });
        },
      );
      const { statusCode, body } = response;
      const location = [response.headers['location']].flat()[0];
      if (REDIRECTS.includes(statusCode) && location !== undefined) {
        discard(body);
        address = redirected(address, location, redirects);
        continue;
      }
      const resumed = statusCode === 206 && startOf(response.headers['content-range']) === from;
      if (statusCode !== 200 && !resumed) {
        discard(body);
        throw new HttpStatusError(address, statusCode);
      }
      const most = resumed ? maxBytes - from : maxBytes;
      return { resumed, body: this.#limited(shown(address), chunksOf(body), most, slow, signal) };
    }
  }

  async *#limited(
    name: string,
    body: AsyncIterable<Uint8Array>,
    maxBytes: number,
    slow: AbortController,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const { minimumRate, rateWindowMs, quotaBytes } = this.#limits;
    let bytes = 0;
    let atTick = 0;
    const timer = setInterval(() => {
      if (bytes - atTick < (minimumRate * rateWindowMs) / 1000) slow.abort();
      atTick = bytes;
    }, rateWindowMs);
    try {
      for await (const chunk of body) {
        bytes += chunk.length;
        this.#received += chunk.length;
        if (bytes > maxBytes) throw tooLarge(`${name} is longer than the ${maxBytes} bytes that it may be`);
        if (this.#received > quotaBytes) throw tooLarge(`${name}: the quota of ${quotaBytes} bytes is used up`);
        yield chunk;
      }
    } catch (cause) {
      if (cause instanceof WaysideError) throw cause;
      signal?.throwIfAborted();
      if (slow.signal.aborted) {
        throw new WaysideError('DOWNLOAD_SLOW', {
          message: `${name}: less than ${minimumRate} bytes a second for ${rateWindowMs / 1000} s`,
          cause,
        });
      }
      throw new WaysideError('DOWNLOAD_FAILED', { message: `${name} broke off: ${messageOf(cause)}`, cause });
    } finally {
      clearInterval(timer);
    }
  }
}

/** Nobody reads what it says: it may be endless. undici reports the end of the connection as an error of the body. */
function discard(body: Readable): void {
  body.on('error', () => {}).destroy();
}

/** Where every address of a host refuses, Node's error has a code and no message. */
const reasonOf = (cause: unknown): string =>
  messageOf(cause) || (cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer');

const tooLarge = (message: string): WaysideError => new WaysideError('DOWNLOAD_TOO_LARGE', { message });

/** `bytes 100-199/200` begins at 100. */
function startOf(range: string | readonly string[] | undefined): number | undefined {
  const [, start] = /^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(String(range)) ?? [];
  return start === undefined ? undefined : Number(start);
}

/** Only within the scheme: a redirect neither takes TLS away nor leads to a file. */
function redirected(from: string, location: string, redirects: number): string {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (to === undefined || to.protocol !== new URL(from).protocol || redirects >= MOST_REDIRECTS) {
    throw new WaysideError('DOWNLOAD_FAILED', {
      message: `${shown(from)} redirects ${redirects >= MOST_REDIRECTS ? 'too often' : 'to another scheme'}`,
    });
  }
  return to.href;
}
