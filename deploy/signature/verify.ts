import { verify } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, messageOf, WaysideError } from '../../core/errors.ts';
import { issuesOf, type ModelPackage, SIGNATURE } from '../../inference/read-package.ts';
import type { SigningKey } from './keys.ts';
import { preAuthenticated, rootDigest, SignatureBundle, Statement } from './oms.ts';
import { signedFiles } from './signed-files.ts';

/** A statement takes 150 bytes a file: 4 MiB name 28,000. */
const LARGEST_SIGNATURE = 2 ** 22;

const refused = (dir: string, message: string, cause?: unknown): WaysideError =>
  new WaysideError('SIGNATURE_INVALID', {
    message: `${dir}: ${message}`,
    hint: 'the package is not from who it should be, or was changed after it was signed: do not use it',
    cause,
  });

async function readSignature(dir: string): Promise<string> {
  const path = join(dir, SIGNATURE);
  try {
    const { size } = await lstat(path);
    if (size > LARGEST_SIGNATURE) throw refused(dir, `${SIGNATURE} has ${size} bytes`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (!isSystemError(cause, 'ENOENT', 'EISDIR')) throw cause;
    throw new WaysideError('SIGNATURE_MISSING', {
      message: `${dir} is not signed: it has no ${SIGNATURE}`,
      hint: 'sign it with `wayside sign`',
      cause,
    });
  }
}

function json(dir: string, text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(dir, `${what} is not JSON: ${messageOf(cause)}`, cause);
  }
}

function parseBundle(dir: string, text: string): SignatureBundle {
  const parsed = SignatureBundle.safeParse(json(dir, text, SIGNATURE));
  if (!parsed.success) throw refused(dir, `${SIGNATURE} is no signature by a key: ${issuesOf(parsed.error)}`);
  return parsed.data;
}

/** The payload is read only once its signature holds. */
function payloadSignedBy(
  dir: string,
  { dsseEnvelope, verificationMaterial }: SignatureBundle,
  keys: readonly SigningKey[],
) {
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const signed = preAuthenticated(payload);
  const { hint } = verificationMaterial.publicKey;
  for (const signingKey of keys) {
    const { key, hash } = signingKey;
    for (const { sig } of dsseEnvelope.signatures)
      if (verify(hash, signed, key, Buffer.from(sig, 'base64'))) return { payload, signingKey };
  }
  const by = hint ? `it was made by the key ${hint}` : 'it does not say by which key it was made';
  throw refused(dir, `the signature is by none of the ${keys.length} keys given: ${by}`);
}

function parseStatement(dir: string, payload: Buffer): Statement {
  const parsed = Statement.safeParse(json(dir, payload.toString('utf8'), 'what is signed'));
  if (!parsed.success) throw refused(dir, `what is signed is no OpenSSF Model Signing v1.0: ${issuesOf(parsed.error)}`);
  const { resources, serialization } = parsed.data.predicate;
  const other = resources.find(({ algorithm }) => algorithm !== 'sha256');
  if (serialization.method !== 'files' || serialization.hash_type !== 'sha256' || other !== undefined) {
    const by = `${serialization.method}, ${other?.algorithm ?? serialization.hash_type}`;
    throw refused(dir, `the signature covers files by ${by}; expected whole files by sha256`);
  }
  if (rootDigest(resources) !== parsed.data.subject[0].digest.sha256)
    throw refused(dir, 'the signature contradicts itself: the root digest is not that of its files');
  return parsed.data;
}

/** Exactly the files of the package are signed: none is missing, changed, added, or named twice. */
function requireSameFiles(dir: string, statement: Statement, files: ReadonlyMap<string, string>): void {
  const left = new Map(files);
  for (const { name, digest } of statement.predicate.resources) {
    const present = left.get(name);
    if (present === undefined) throw refused(dir, `${name} was signed and is not here, or is named twice`);
    if (present !== digest) throw refused(dir, `${name}: signed as sha256:${digest}, found sha256:${present}`);
    left.delete(name);
  }
  const [unsigned] = left.keys();
  if (unsigned !== undefined) throw refused(dir, `${unsigned} is not covered by the signature`);
}

/**
 * Checks that a package was signed with one of these keys, and that all of it was. Fails closed: what cannot be read or
 * is not known is refused.
 *
 * @param opened its digests were verified
 * @returns the key that signed
 * @throws {WaysideError} SIGNATURE_MISSING, SIGNATURE_INVALID
 */
export async function verifySignature(opened: ModelPackage, keys: readonly SigningKey[]): Promise<SigningKey> {
  const { dir } = opened;
  const { payload, signingKey } = payloadSignedBy(dir, parseBundle(dir, await readSignature(dir)), keys);
  requireSameFiles(dir, parseStatement(dir, payload), signedFiles(opened));
  return signingKey;
}
