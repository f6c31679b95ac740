import type { Digest } from '../core/hash.ts';
import type { Manifest } from '../inference/manifest.ts';
import { readPackage } from '../inference/read-package.ts';
import { readPublicKey } from './signature/keys.ts';
import { verifySignature } from './signature/verify.ts';

/** A package that may be loaded: complete and unaltered. What it computes is for the inference process to prove. */
export interface AdmittedPackage {
  readonly dir: string;
  readonly identity: { readonly name: string; readonly version: string; readonly digest: Digest };
  readonly manifest: Manifest;
}

/**
 * Checks a package before a process is given to it: schema and format, every file's digest, nothing missing or extra.
 * Loads no runtime, and so can be called by the process that holds the credentials.
 *
 * The golden samples are not run here: the processor's arithmetic is proven where the model runs, by the inference
 * process, before it takes its first frame.
 *
 * @param keys files of public keys, one of which must have signed the package; without them the signature is not looked at
 * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID, MODEL_UNSUPPORTED, KEY_INVALID, SIGNATURE_MISSING, SIGNATURE_INVALID
 */
export async function admitPackage(dir: string, keys?: readonly string[]): Promise<AdmittedPackage> {
  const opened = await readPackage(dir);
  if (keys !== undefined) await verifySignature(opened, await Promise.all(keys.map(readPublicKey)));
  const { manifest, digest } = opened;
  return { dir, identity: { name: manifest.name, version: manifest.version, digest }, manifest };
}
