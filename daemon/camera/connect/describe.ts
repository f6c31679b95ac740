import type { Socket } from 'node:net';
import { VERSION } from '../../../core/layout.ts';
import { authorize, type Credentials } from './authorization.ts';
import { type Description, readDescription } from './description.ts';
import { CameraFault, faultOf } from './fault.ts';
import { AnswerReader, printable, type RtspAnswer } from './response.ts';
import { type Endpoint, endpointOf, nameOf, openSocket } from './socket.ts';
import type { Trust } from './trust.ts';

/** Whom to ask, and with what. */
export interface Question {
  /** `rtsp://` or `rtsps://`, without credentials. */
  readonly url: string;
  readonly credentials: Credentials | undefined;
  readonly trust: Trust;
  /** For all of it, redirections included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A camera that has video for us. */
interface Described extends Description {
  /** Where the camera was found at last, without credentials. */
  readonly url: string;
  /** The credentials are for this host: a redirection to another one takes none along. */
  readonly ours: boolean;
}

const MOST_REDIRECTS = 5;

/**
 * Asks a camera what it has (RTSP DESCRIBE), before a decoder is let near it: a decoder says `Invalid data found` to a dozen different
 * faults, follows redirections for ever (48,179 requests in 50 s) and takes any certificate.
 *
 * @throws {CameraFault} with the reason
 */
export async function describeCamera(question: Question): Promise<Described> {
  const limit = AbortSignal.timeout(question.timeoutMs);
  const signal = question.signal === undefined ? limit : AbortSignal.any([question.signal, limit]);
  const home = endpointOf(question.url);
  const seen = new Set<string>();
  let { url } = question;
  for (;;) {
    const endpoint = endpointOf(url);
    const ours = endpoint.host === home.host;
    seen.add(url);
    const answer = await ask(url, endpoint, ours ? question.credentials : undefined, question.trust, signal);
    if (answer.status >= 300 && answer.status < 400) {
      url = redirected(answer, url, endpoint, seen);
      continue;
    }
    if (answer.status !== 200) throw refusal(answer, ours, endpoint, question.credentials !== undefined);
    return { url, ours, ...readDescription(answer.body) };
  }
}

/** @throws {CameraFault} CAMERA_REDIRECT */
function redirected(answer: RtspAnswer, from: string, { tls }: Endpoint, seen: ReadonlySet<string>): string {
  const location = answer.headers.get('location')?.[0] ?? '';
  const to = URL.canParse(location, from) ? withoutCredentials(new URL(location, from).href) : '';
  const next = endpointOf(to);
  const fault = (why: string): CameraFault => new CameraFault('CAMERA_REDIRECT', `the camera redirects ${why}`);
  if (seen.has(to)) throw fault(`in a circle, to ${nameOf(next)}`);
  if (seen.size > MOST_REDIRECTS) throw fault(`more than ${MOST_REDIRECTS} times, last to ${nameOf(next)}`);
  if (tls && !next.tls) throw fault(`from rtsps:// to rtsp://, which is not encrypted (${nameOf(next)})`);
  return to;
}

function refusal({ status, phrase }: RtspAnswer, ours: boolean, endpoint: Endpoint, known: boolean): CameraFault {
  const said = `${status} ${phrase}`.trim();
  const words = (why: string): string => `DESCRIBE failed: ${said}: ${why}`;
  const secret = ours ? (known ? 'the credentials are wrong' : 'it wants credentials and none are configured') : '';
  const foreign = `it redirects to ${nameOf(endpoint)}, another host, which is not given the password`;
  if (status === 401) return new CameraFault('CAMERA_REFUSED', words(ours ? secret : foreign));
  if (status === 403) return new CameraFault('CAMERA_REFUSED', words('the user may not watch'));
  if (status === 404 || status === 410)
    return new CameraFault('CAMERA_REFUSED', words('the path of the address is wrong'));
  if (status === 453 || status === 503)
    return new CameraFault('CAMERA_LOST', words('it has no room for another viewer'));
  return new CameraFault('CAMERA_LOST', `DESCRIBE failed: ${said}`);
}

/** One question, asked again with credentials where the camera wants them: over the same connection, or over another if it hung up. */
async function ask(
  url: string,
  endpoint: Endpoint,
  credentials: Credentials | undefined,
  trust: Trust,
  signal: AbortSignal,
): Promise<RtspAnswer> {
  const open = async (): Promise<Exchange> => new Exchange(await openSocket(endpoint, trust, signal), endpoint, signal);
  const exchange = await open();
  try {
    const first = await exchange.describe(url);
    if (first.status !== 401 || credentials === undefined) return first;
    const challenges = first.headers.get('www-authenticate') ?? [];
    const authorization = authorize(challenges, credentials, 'DESCRIBE', url);
    if (authorization === undefined) {
      const offered = printable(challenges.join(', ')) || 'none offered';
      throw new CameraFault('CAMERA_REFUSED', `DESCRIBE failed: 401: no way to sign in that is known here: ${offered}`);
    }
    const second = await exchange.describe(url, authorization).catch((error: unknown) => {
      if (error instanceof CameraFault && error.reason.code === 'CAMERA_LOST' && !signal.aborted) return undefined;
      throw error;
    });
    if (second !== undefined) return second;
    const again = await open();
    try {
      return await again.describe(url, authorization);
    } finally {
      again.end();
    }
  } finally {
    exchange.end();
  }
}

/** Requests and answers over one connection, in turn. */
class Exchange {
  readonly #socket: Socket;
  readonly #endpoint: Endpoint;
  readonly #signal: AbortSignal;
  readonly #reader = new AnswerReader();
  #sequence = 0;

  constructor(socket: Socket, endpoint: Endpoint, signal: AbortSignal) {
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#signal = signal;
  }

  async describe(url: string, authorization?: string): Promise<RtspAnswer> {
    const lines = [
      `DESCRIBE ${url.replaceAll(/[\s\p{Cc}]/gu, '')} RTSP/1.0`,
      `CSeq: ${++this.#sequence}`,
      `User-Agent: Wayside/${VERSION}`,
      'Accept: application/sdp',
      ...(authorization === undefined ? [] : [`Authorization: ${authorization.replaceAll(/[\r\n]/g, '')}`]),
    ];
    const answer = this.#answer();
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return await answer;
  }

  end(): void {
    this.#socket.destroy();
  }

  async #answer(): Promise<RtspAnswer> {
    const [socket, signal, where] = [this.#socket, this.#signal, nameOf(this.#endpoint)];
    const over = new AbortController();
    const lost = (why: string): CameraFault => new CameraFault('CAMERA_LOST', `${where}: ${why}`);
    try {
      return await new Promise<RtspAnswer>((resolve, reject) => {
        const on = (event: 'data' | 'end' | 'close' | 'error', act: (what: Buffer & Error) => void): void => {
          socket.on(event, act);
          over.signal.addEventListener('abort', () => socket.off(event, act));
        };
        const late = (): void => reject(lost('connected, and no answer to DESCRIBE within the time allowed'));
        signal.addEventListener('abort', late, { signal: over.signal });
        if (signal.aborted) late();
        if (socket.destroyed) reject(lost('the camera closed the connection without an answer'));
        on('error', (error) => reject(faultOf(error, where, this.#endpoint.tls)));
        on('end', () => reject(lost('the camera closed the connection without an answer')));
        on('close', () => reject(lost('the camera closed the connection without an answer')));
        on('data', (chunk) => {
          try {
            const answer = this.#reader.push(chunk);
            if (answer !== undefined) resolve(answer);
          } catch (error) {
            reject(faultOf(error, where, this.#endpoint.tls));
          }
        });
      });
    } finally {
      over.abort();
    }
  }
}

/** As a URL is sent in a request. */
export function withoutCredentials(url: string): string {
  return url.replace(/^(rtsps?:\/\/)[^@/?#]*@/i, '$1');
}
