import type { PublicKeyDocument } from './public-key.ts';

/** Who can sign: a key file, or a command in front of a token or a vault. */
export interface Signer {
  readonly key: PublicKeyDocument;
  /** @throws {WaysideError} SIGNER_FAILED */
  sign(payload: Uint8Array): Promise<Uint8Array>;
}
