import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RtspRequest } from './message.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** @default 'digest' */
  readonly scheme?: 'basic' | 'digest';
}

const REALM = 'wayside';
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** Asks for a name and a password and checks the answer: Basic (RFC 7617) or Digest with MD5 (RFC 2069, as cameras do). */
export class Doorkeeper {
  readonly #credentials: Credentials;
  readonly #nonce = randomBytes(16).toString('hex');

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Value of `WWW-Authenticate`. */
  get challenge(): string {
    if (this.#credentials.scheme === 'basic') return `Basic realm="${REALM}"`;
    return `Digest realm="${REALM}", nonce="${this.#nonce}", algorithm=MD5`;
  }

  admits(request: RtspRequest): boolean {
    const given = request.headers.get('authorization') ?? '';
    const { username, password, scheme } = this.#credentials;
    if (scheme === 'basic') return same(given, `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
    if (!given.startsWith('Digest ')) return false;
    const fields = new Map([...given.matchAll(/(\w+)="?([^",]*)"?/g)].map((field) => [field[1], field[2]]));
    const secret = md5(`${username}:${REALM}:${password}`);
    const expected = md5(`${secret}:${this.#nonce}:${md5(`${request.method}:${fields.get('uri') ?? ''}`)}`);
    return fields.get('username') === username && same(fields.get('response') ?? '', expected);
  }
}

function same(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}
