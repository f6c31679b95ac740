import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt,
  sign,
} from 'node:crypto';
import { z } from 'zod';
import { WaysideError } from '../../../core/errors.ts';
import { readNamedFile } from '../../../core/files.ts';
import { digestOfScheme, type PublicKeyDocument, publicKeyDocument, publicKeySchema } from './public-key.ts';
import type { Signer } from './signer.ts';

export type KeyKind = 'ed25519' | 'p256';

/** 2^17 * 8 * 128 bytes = 128 MiB and about half a second for each guess at a passphrase. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 };
/** What a foreign file may make us spend: 1 GiB. */
const MOST_SCRYPT_BYTES = 2 ** 30;

const base64 = z.base64();
const keyFileSchema = z.object({
  format: z.literal(1),
  public: publicKeySchema,
  kdf: z.object({ name: z.literal('scrypt'), N: z.int(), r: z.int(), p: z.int().max(4), salt: base64 }),
  cipher: z.object({ name: z.literal('aes-256-gcm'), iv: base64, tag: base64 }),
  /** PKCS#8, encrypted. */
  secret: base64,
});

type Kdf = z.infer<typeof keyFileSchema>['kdf'];

const invalid = (message: string, hint?: string): WaysideError =>
  new WaysideError('SIGNING_KEY', { message, ...(hint !== undefined && { hint }) });

function derive(passphrase: string, { N, r, p, salt }: Kdf): Promise<Buffer> {
  const bytes = 128 * N * r;
  if (!(bytes <= MOST_SCRYPT_BYTES)) throw invalid(`the key file asks for ${bytes} bytes to open it`);
  return new Promise((resolve, reject) => {
    const options = { N, r, p, maxmem: 2 * bytes };
    scrypt(passphrase, Buffer.from(salt, 'base64'), 32, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(invalid(`the key file cannot be opened: ${error.message}`));
    });
  });
}

/** The public part is bound to the secret: a file with another's public key does not open. */
const associated = (key: PublicKeyDocument): Buffer => Buffer.from(JSON.stringify(key));

/** A new key. @returns the encrypted file, and the public document */
export async function createKeyFile(
  kind: KeyKind,
  passphrase: string,
  { name, cost = SCRYPT.N }: { readonly name?: string; readonly cost?: number } = {},
): Promise<{ readonly file: string; readonly key: PublicKeyDocument }> {
  if (passphrase === '') throw invalid('an empty passphrase protects nothing');
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = publicKeyDocument(createPublicKey(privateKey), name);
  const kdf: Kdf = { name: 'scrypt', ...SCRYPT, N: cost, salt: randomBytes(16).toString('base64') };
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await derive(passphrase, kdf), iv).setAAD(associated(key));
  const secret = Buffer.concat([cipher.update(privateKey.export({ type: 'pkcs8', format: 'der' })), cipher.final()]);
  const document = {
    format: 1,
    public: key,
    kdf,
    cipher: { name: 'aes-256-gcm', iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64') },
    secret: secret.toString('base64'),
  };
  return { file: `${JSON.stringify(document, null, 2)}\n`, key };
}

/**
 * Opens a key file.
 *
 * @param passphrase asked for when the file was found to be a key file
 * @throws {WaysideError} FILE_NOT_FOUND; SIGNING_KEY for a file that is none, and for a wrong passphrase
 */
export async function openKeyFile(path: string, passphrase: () => Promise<string>): Promise<Signer> {
  const parsed = keyFileSchema.safeParse(parseJson(await readNamedFile(path)));
  if (!parsed.success) throw invalid(`${path} is no key file of Wayside`, 'make one with `wayside repo key`');
  const { public: key, kdf, cipher, secret } = parsed.data;
  const derived = await derive(await passphrase(), kdf);
  let privateKey: KeyObject;
  try {
    const iv = Buffer.from(cipher.iv, 'base64');
    const tag = Buffer.from(cipher.tag, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', derived, iv, { authTagLength: 16 })
      .setAAD(associated(key))
      .setAuthTag(tag);
    const der = Buffer.concat([decipher.update(Buffer.from(secret, 'base64')), decipher.final()]);
    privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    throw invalid(`${path} does not open: the passphrase is wrong, or the file is damaged`);
  }
  return {
    key,
    sign: (payload) => Promise.resolve(sign(digestOfScheme(key.scheme), payload, privateKey)),
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Reads a public key: a `.pub` file, a key file, or PEM of a key that lives elsewhere.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, SIGNING_KEY
 */
export async function readPublicKey(path: string, name?: string): Promise<PublicKeyDocument> {
  const bytes = await readNamedFile(path);
  const document = parseJson(bytes);
  for (const candidate of [document, keyFileSchema.safeParse(document).data?.public]) {
    const key = publicKeySchema.safeParse(candidate).data;
    if (key !== undefined) return key;
  }
  if (bytes.includes('-----BEGIN PUBLIC KEY-----')) return publicKeyDocument(publicPem(bytes, path), name);
  throw invalid(`${path} is no public key`, 'a .pub file of `wayside repo key`, or PEM (BEGIN PUBLIC KEY)');
}

function publicPem(bytes: Buffer, path: string): KeyObject {
  try {
    return createPublicKey(bytes);
  } catch {
    throw invalid(`${path} is no public key in PEM`);
  }
}
