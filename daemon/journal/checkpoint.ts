import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { JournalCheckpointMessage } from '../../contract/messages/journal.ts';
import { messageOf, WaysideError } from '../../core/errors.ts';

/** What is claimed of a journal. */
export type Checkpoint = Pick<JournalCheckpointMessage, 'journalSeq' | 'head' | 'signature' | 'key'>;

const signedText = (box: string, { journalSeq, head }: Pick<Checkpoint, 'journalSeq' | 'head'>): Buffer =>
  Buffer.from(`wayside/v1/journal-checkpoint ${box} ${journalSeq} ${head}`);

/** SHA-256 of the public half as SubjectPublicKeyInfo, hexadecimal. */
const keyName = (key: KeyObject): string =>
  createHash('sha256')
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** @param box `<site>/<box>` @param key Ed25519, private; without it the checkpoint is not signed */
export function checkpointOf(
  box: string,
  tip: Pick<Checkpoint, 'journalSeq' | 'head'>,
  key: KeyObject | undefined,
): Checkpoint {
  if (key === undefined) return { ...tip, signature: null, key: null };
  return { ...tip, signature: sign(null, signedText(box, tip), key).toString('base64'), key: keyName(key) };
}

/** @returns what is wrong with the signature of a checkpoint */
export function signatureFault(box: string, checkpoint: Checkpoint, key: KeyObject): string | undefined {
  if (checkpoint.signature === null) return 'the checkpoint is not signed';
  const right = verify(null, signedText(box, checkpoint), key, Buffer.from(checkpoint.signature, 'base64'));
  return right ? undefined : 'the checkpoint was not signed by this key for this box';
}

/**
 * The key of a box, from PEM.
 *
 * @param where what to say it was read from
 * @throws {WaysideError} KEY_INVALID
 */
export function boxKey(pem: Buffer, half: 'private' | 'public', where: string): KeyObject {
  try {
    const key = half === 'private' ? createPrivateKey(pem) : createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`expected an Ed25519 key, found ${key.asymmetricKeyType}`);
  } catch (cause) {
    throw new WaysideError('KEY_INVALID', {
      message: `${where}: no ${half} key of a box: ${messageOf(cause)}`,
      hint: 'make one with `openssl genpkey -algorithm ED25519`',
      cause,
    });
  }
}
