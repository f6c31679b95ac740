import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { messageOf, WaysideError } from '../errors.ts';

/** The key by which a box is known: Ed25519, made on the box, whose private half never leaves it. */
export interface Identity {
  readonly publicKey: PublicIdentity;
  /** Ed25519 (RFC 8032), 64 bytes. */
  sign(bytes: Uint8Array): Buffer;
}

export interface PublicIdentity {
  /** SubjectPublicKeyInfo (RFC 8410) in base64: what `openssl pkey -pubin -inform DER` reads. */
  readonly spki: string;
  /** JWK thumbprint (RFC 7638, RFC 8037), SHA-256 in base64url: short enough to be read out. */
  readonly thumbprint: string;
}

/** @returns PKCS #8 in PEM */
export const makeIdentityKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/**
 * @param where the name of the file, for the message
 * @throws {WaysideError} IDENTITY_INVALID
 */
export function identityOf(pem: string | Buffer, where: string): Identity {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw invalid(`${where}: expected a private key in PEM, found something that is none: ${messageOf(cause)}`);
  }
  const publicKey = publicOf(createPublicKey(key), where);
  return { publicKey, sign: (bytes) => sign(null, bytes, key) };
}

/** @throws {WaysideError} IDENTITY_INVALID */
export function publicIdentityOf(spki: string, where: string): PublicIdentity {
  return publicOf(publicKeyOf(spki, where), where);
}

/** @throws {WaysideError} IDENTITY_INVALID */
export function publicKeyOf(spki: string, where: string): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
  } catch (cause) {
    throw invalid(`${where}: expected a public key in base64, found something that is none: ${messageOf(cause)}`);
  }
}

function publicOf(key: KeyObject, where: string): PublicIdentity {
  if (key.asymmetricKeyType !== 'ed25519')
    throw invalid(`${where}: expected an Ed25519 key, found one of kind ${key.asymmetricKeyType ?? 'unknown'}`);
  const { crv, kty, x } = key.export({ format: 'jwk' });
  // RFC 7638, 3: the required members alone, in this order, without blanks.
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
  return { spki: key.export({ type: 'spki', format: 'der' }).toString('base64'), thumbprint };
}

const invalid = (message: string): WaysideError =>
  new WaysideError('IDENTITY_INVALID', { message, hint: 'see docs/guide/install.md: the identity of a box' });
