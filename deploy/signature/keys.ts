import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';

/** The curves of OpenSSF Model Signing v1.0, method `key`, with the hash that goes with each (Sigstore's PublicKeyDetails). */
const HASHES: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};
/** A PEM key of 521 bits takes 400 bytes. */
const LARGEST_KEY = 2 ** 16;

/** A key that packages are signed or checked with. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  /** SHA-256 of the public key as PEM text, hexadecimal: how the reference tool names a key. */
  readonly fingerprint: string;
}

const invalidKey = (path: string, message: string, hint: string, cause?: unknown): WaysideError =>
  new WaysideError('KEY_INVALID', { message: `${path}: ${message}`, hint, cause });

function signingKey(path: string, key: KeyObject): SigningKey {
  const { namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const hash = key.asymmetricKeyType === 'ec' ? HASHES[namedCurve] : undefined;
  if (hash === undefined) {
    const found = namedCurve === '' ? key.asymmetricKeyType : `${key.asymmetricKeyType} ${namedCurve}`;
    const hint = 'make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`';
    throw invalidKey(path, `packages are signed with keys on P-256, P-384 or P-521, this one is ${found}`, hint);
  }
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const text = publicKey.export({ type: 'spki', format: 'pem' });
  return { key, hash, fingerprint: createHash('sha256').update(text).digest('hex') };
}

async function readPem(path: string): Promise<string> {
  const file = await stat(path).catch(() => undefined);
  if (file?.isFile() && file.size > LARGEST_KEY)
    throw invalidKey(path, `${file.size} bytes are no key`, 'name a file in PEM');
  return (await readNamedFile(path)).toString('utf8');
}

/**
 * Reads a private key in PEM (PKCS#8, or what openssl writes for EC), encrypted or not.
 *
 * @throws {WaysideError} FILE_NOT_FOUND; KEY_INVALID, also where a passphrase is missing or wrong
 */
export async function readPrivateKey(path: string, passphrase?: string): Promise<SigningKey> {
  const pem = await readPem(path);
  const encrypted = /ENCRYPTED/.test(pem);
  if (encrypted && passphrase === undefined)
    throw invalidKey(path, 'the key is encrypted', 'give its passphrase with --passphrase-file or --passphrase-env');
  try {
    return signingKey(path, createPrivateKey({ key: pem, ...(encrypted && { passphrase: passphrase ?? '' }) }));
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    const hint = encrypted ? 'is the passphrase right?' : 'name a private key in PEM, PKCS#8';
    throw invalidKey(path, `no private key can be read: ${messageOf(cause)}`, hint, cause);
  }
}

/**
 * Reads a public key in PEM. A private key in its place is refused: whoever checks has no use for it.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, KEY_INVALID
 */
export async function readPublicKey(path: string): Promise<SigningKey> {
  const pem = await readPem(path);
  if (/PRIVATE KEY/.test(pem))
    throw invalidKey(
      path,
      'this is a private key',
      'keep it where packages are signed; `openssl pkey -pubout` gives the public one',
    );
  try {
    return signingKey(path, createPublicKey(pem));
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    throw invalidKey(path, `no public key can be read: ${messageOf(cause)}`, 'name a public key in PEM', cause);
  }
}
