import { sign } from 'node:crypto';
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.ts';
import { readPackage, SIGNATURE } from '../../inference/read-package.ts';
import type { SigningKey } from './keys.ts';
import { BUNDLE_TYPE, PAYLOAD_TYPE, preAuthenticated, type SignatureBundle, statementOf } from './oms.ts';
import { signedFiles } from './signed-files.ts';

interface SignedPackage {
  readonly signature: string;
  readonly digest: string;
  readonly fingerprint: string;
  readonly files: number;
}

/**
 * Writes `model.sig` into a package: OpenSSF Model Signing v1.0, method `key`. A signature that is there is replaced.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID, FILE_WRITE_FAILED
 */
export async function signPackage(dir: string, { key, hash, fingerprint }: SigningKey): Promise<SignedPackage> {
  const opened = await readPackage(dir);
  const files = signedFiles(opened);
  const payload = Buffer.from(JSON.stringify(statementOf(opened.manifest.name, files)));
  const bundle: SignatureBundle = {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: fingerprint }, tlogEntries: [] },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: sign(hash, preAuthenticated(payload), key).toString('base64'), keyid: '' }],
    },
  };
  const signature = join(dir, SIGNATURE);
  await writeFileAtomic(signature, `${JSON.stringify(bundle)}\n`);
  return { signature, digest: opened.digest, fingerprint, files: files.size };
}
