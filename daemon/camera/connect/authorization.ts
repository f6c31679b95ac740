import { createHash, randomBytes } from 'node:crypto';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

const HASHES: Readonly<Record<string, string>> = { md5: 'md5', 'sha-256': 'sha256' };

/**
 * Value of `Authorization` that answers the challenges of a camera: Digest (RFC 7616, and 2069 as most cameras do) before Basic.
 *
 * @returns undefined where none of them can be answered
 */
export function authorize(
  challenges: readonly string[],
  { username, password }: Credentials,
  method: string,
  uri: string,
): string | undefined {
  for (const challenge of challenges) {
    const digest = /^Digest\s+(.*)$/is.exec(challenge)?.[1];
    const answer = digest === undefined ? undefined : answerDigest(fieldsOf(digest), username, password, method, uri);
    if (answer !== undefined) return answer;
  }
  if (!challenges.some((challenge) => /^Basic\b/i.test(challenge))) return undefined;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = text.matchAll(/([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))/g);
  return new Map([...fields].map(([, name = '', quoted, bare]) => [name.toLowerCase(), quoted ?? bare ?? '']));
}

function answerDigest(
  fields: ReadonlyMap<string, string>,
  username: string,
  password: string,
  method: string,
  uri: string,
): string | undefined {
  const algorithm = fields.get('algorithm') ?? 'MD5';
  const hash = HASHES[algorithm.toLowerCase()];
  const [realm, nonce] = [fields.get('realm') ?? '', fields.get('nonce')];
  if (hash === undefined || nonce === undefined) return undefined;
  const digest = (text: string): string => createHash(hash).update(text).digest('hex');
  const secret = digest(`${username}:${realm}:${password}`);
  const request = digest(`${method}:${uri}`);
  const quality = fields
    .get('qop')
    ?.split(',')
    .some((each) => each.trim() === 'auth');
  const cnonce = randomBytes(8).toString('hex');
  const response = quality
    ? digest(`${secret}:${nonce}:00000001:${cnonce}:auth:${request}`)
    : digest(`${secret}:${nonce}:${request}`);
  const quoted: [string, string | undefined][] = [
    ['username', username],
    ['realm', realm],
    ['nonce', nonce],
    ['uri', uri],
    ['response', response],
    ['opaque', fields.get('opaque')],
  ];
  const parts = quoted.flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value}"`]));
  if (fields.has('algorithm')) parts.push(`algorithm=${algorithm}`);
  if (quality) parts.push('qop=auth', 'nc=00000001', `cnonce="${cnonce}"`);
  return `Digest ${parts.join(', ')}`;
}
