import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../../core/errors.ts';

const PEM = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Certificates of a PEM file, or why they are none. */
function certificatesOf(pem: Buffer): X509Certificate[] | string {
  const blocks = pem.toString('utf8').match(PEM) ?? [];
  if (blocks.length === 0) return 'expected a certificate (-----BEGIN CERTIFICATE-----), found none';
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    return `expected a certificate, found something that is none: ${messageOf(cause)}`;
  }
}

function timeOf({ validFrom, validTo, subject }: X509Certificate, now: number): string | undefined {
  const name = subject.replaceAll('\n', ', ');
  if (now > Date.parse(validTo)) return `the certificate of ${name} expired on ${validTo}`;
  if (now < Date.parse(validFrom))
    return `the certificate of ${name} is valid from ${validFrom} on: is the clock right?`;
  return undefined;
}

/** What is wrong with authorities; none of them has to be in use, so one that is valid is enough. */
export function authorityProblem(pem: Buffer, now: number): string | undefined {
  const found = certificatesOf(pem);
  if (typeof found === 'string') return found;
  const expired = found.map((each) => timeOf(each, now));
  return expired.includes(undefined) ? undefined : expired[0];
}

/** What is wrong with a client's certificate and key, each by itself and together. */
export function identityProblems(
  cert: Buffer,
  key: Buffer,
  now: number,
): { readonly part: 'cert' | 'key'; readonly message: string }[] {
  const problems: { part: 'cert' | 'key'; message: string }[] = [];
  const found = certificatesOf(cert);
  const own = typeof found === 'string' ? undefined : found[0];
  if (typeof found === 'string') problems.push({ part: 'cert', message: found });
  const late = own === undefined ? undefined : timeOf(own, now);
  if (late !== undefined) problems.push({ part: 'cert', message: late });
  let secret: KeyObject | undefined;
  try {
    secret = createPrivateKey(key);
  } catch (cause) {
    const encrypted = /ENCRYPTED/.test(key.toString('latin1'));
    const message = encrypted
      ? 'the key is encrypted: nobody is there to type its passphrase'
      : `expected a private key, found something that is none: ${messageOf(cause)}`;
    problems.push({ part: 'key', message });
  }
  if (own !== undefined && secret !== undefined) {
    if (!own.checkPrivateKey(secret)) problems.push({ part: 'key', message: 'the key is not that of `mqtt.cert`' });
    else if (problems.length === 0) {
      try {
        createSecureContext({ cert, key }); // what the start does: OpenSSL has the last word (keys that are too short)
      } catch (cause) {
        problems.push({ part: 'cert', message: `TLS does not take it: ${messageOf(cause)}` });
      }
    }
  }
  return problems;
}
