import { constants, createPublicKey, ECDH, type KeyObject, verify } from 'node:crypto';
import type { Key } from '@tufjs/models';

/**
 * How signatures are verified, in place of @tufjs/models 4.1.1: that takes a key of any curve for any ECDSA scheme, knows the
 * digest of none but the default, and of RSA only PSS with SHA-256. 5.0.2 compares the curves as well and wants Node 22.22.
 */
interface Scheme {
  readonly digest: string | null;
  /** Kind, or named curve, that the key must really be. */
  readonly kind: string;
  /** The same curve as JWK calls it. */
  readonly curve?: 'P-256' | 'P-384';
  readonly keytypes: readonly string[];
  readonly padding?: number;
}

const pss = { kind: 'rsa', keytypes: ['rsa'], padding: constants.RSA_PKCS1_PSS_PADDING };
const pkcs1 = { ...pss, padding: constants.RSA_PKCS1_PADDING };
const p256 = { kind: 'prime256v1', curve: 'P-256' } as const;
const p384 = { kind: 'secp384r1', curve: 'P-384' } as const;

const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['ed25519', { digest: null, kind: 'ed25519', keytypes: ['ed25519'] }],
  ['ecdsa-sha2-nistp256', { digest: 'sha256', ...p256, keytypes: ['ecdsa', 'ecdsa-sha2-nistp256'] }],
  ['ecdsa-sha2-nistp384', { digest: 'sha384', ...p384, keytypes: ['ecdsa', 'ecdsa-sha2-nistp384'] }],
  ...[256, 384, 512].flatMap((bits): [string, Scheme][] => [
    [`rsassa-pss-sha${bits}`, { digest: `sha${bits}`, ...pss }],
    [`rsa-pkcs1v15-sha${bits}`, { digest: `sha${bits}`, ...pkcs1 }],
  ]),
]);

const kindOf = (key: KeyObject): string | undefined => key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType;

/** PEM, or the bare point in hexadecimal (TUF 1.0.34, 4.2). */
function readKey(text: string, { kind, curve }: Scheme): KeyObject {
  if (text.startsWith('-----BEGIN PUBLIC KEY-----')) return createPublicKey(text);
  const url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
  if (curve === undefined) return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: url(text) }, format: 'jwk' });
  const point = ECDH.convertKey(text, kind, 'hex', 'hex', 'uncompressed').toString();
  const half = (point.length - 2) / 2;
  const [x, y] = [point.slice(2, 2 + half), point.slice(2 + half)].map(url);
  return createPublicKey({ key: { kty: 'EC', crv: curve, x: x ?? '', y: y ?? '' }, format: 'jwk' });
}

/** False also for a key or signature that is malformed, of another kind than it says, or of a scheme that nobody knows. */
export function verifiesWith({ keyType, scheme, keyVal }: Key, payload: Uint8Array, signature: string): boolean {
  const found = SCHEMES.get(scheme);
  const text = keyVal['public'];
  if (found === undefined || text === undefined || !found.keytypes.includes(keyType)) return false;
  if (!/^(?:[0-9a-f]{2})+$/i.test(signature)) return false;
  try {
    const key = readKey(text, found);
    if (kindOf(key) !== found.kind) return false;
    const input = { key, ...(found.padding !== undefined && { padding: found.padding }) };
    return verify(found.digest, payload, input, Buffer.from(signature, 'hex'));
  } catch {
    return false; // OpenSSL cannot read the key
  }
}
