import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { Key } from '@tufjs/models';
import { z } from 'zod';
import { WaysideError } from '../../../core/errors.ts';

/** What a repository knows of a key: what is in its `.pub` file. */
export const publicKeySchema = z.object({
  keytype: z.enum(['ed25519', 'ecdsa']),
  scheme: z.enum(['ed25519', 'ecdsa-sha2-nistp256']),
  keyval: z.object({ public: z.string().max(1000) }),
  /** Whose it is, for people. */
  'x-wayside-name': z.string().max(100).optional(),
});

export type PublicKeyDocument = z.infer<typeof publicKeySchema>;

/** Ed25519 in hexadecimal, P-256 as PEM: what every TUF client reads (TUF 1.0.34, 4.2). */
export function publicKeyDocument(key: KeyObject, name?: string): PublicKeyDocument {
  const named = name === undefined ? {} : { 'x-wayside-name': name };
  if (key.asymmetricKeyType === 'ed25519') {
    // The last 32 bytes of its SubjectPublicKeyInfo are the key (RFC 8410, 4).
    const hex = key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
    return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex }, ...named };
  }
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    const pem = key.export({ type: 'spki', format: 'pem' }).toString();
    return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem }, ...named };
  }
  throw new WaysideError('SIGNING_KEY', {
    message: `a key must be Ed25519 or ECDSA P-256, this is ${key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType}`,
  });
}

/** SHA-256 of the canonical JSON of type, value and scheme: the id that securesystemslib gives it too. */
export function keyId({ keytype, scheme, keyval }: PublicKeyDocument): string {
  // Neither PEM nor hexadecimal holds what canonical JSON escapes.
  const canonical = `{"keytype":"${keytype}","keyval":{"public":"${keyval.public}"},"scheme":"${scheme}"}`;
  return createHash('sha256').update(canonical).digest('hex');
}

export function tufKey(document: PublicKeyDocument): Key {
  const { keytype, scheme, keyval, 'x-wayside-name': name } = document;
  const named = name === undefined ? {} : { 'x-wayside-name': name };
  return Key.fromJSON(keyId(document), { keytype, scheme, keyval, ...named });
}

/** Name for people, else the beginning of the id. */
export const keyLabel = (key: Key): string => {
  const name = key.unrecognizedFields?.['x-wayside-name'];
  return typeof name === 'string' ? name : key.keyID.slice(0, 12);
};

function keyObjectOf({ keytype, keyval }: PublicKeyDocument): KeyObject {
  if (keytype === 'ecdsa') return createPublicKey(keyval.public);
  const x = Buffer.from(keyval.public, 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** Digest that a scheme signs: Ed25519 has its own. */
export const digestOfScheme = (scheme: PublicKeyDocument['scheme']): string | null =>
  scheme === 'ed25519' ? null : 'sha256';

export function verifies(document: PublicKeyDocument, payload: Uint8Array, signature: Uint8Array): boolean {
  return verify(digestOfScheme(document.scheme), payload, keyObjectOf(document), signature);
}
