import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type JournalCheckpointMessage, journalCheckpointSchema } from '../../contract/messages/journal.ts';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { readChain } from '../../core/identity/chain.ts';
import { type Identity, publicKeyOf } from '../../core/identity/key.ts';

/** What is claimed of a journal. */
export type Checkpoint = Pick<JournalCheckpointMessage, 'journalSeq' | 'head' | 'signature' | 'key'>;

const signedText = (box: string, { journalSeq, head }: Pick<Checkpoint, 'journalSeq' | 'head'>): Buffer =>
  Buffer.from(`wayside/v1/journal-checkpoint ${box} ${journalSeq} ${head}`);

/** @throws {WaysideError} JOURNAL_INVALID for anything but a message of the topic, whole or as much of it as says how far */
export function readCheckpoint(bytes: Buffer, where: string): Checkpoint {
  try {
    const claimed = { journalSeq: true, head: true, signature: true, key: true } as const;
    return journalCheckpointSchema
      .pick(claimed)
      .strip()
      .parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new WaysideError('JOURNAL_INVALID', {
      message: `${where}: expected a message of the topic journal/checkpoint: ${messageOf(cause)}`,
      hint: '`mosquitto_sub -C 1 -t "wayside/v1/<site>/<box>/journal/checkpoint"` prints one',
      cause,
    });
  }
}

/** @param box `<site>/<box>` @param identity without it the checkpoint is not signed */
export function checkpointOf(
  box: string,
  { journalSeq, head }: Pick<Checkpoint, 'journalSeq' | 'head'>,
  identity: Identity | undefined,
): Checkpoint {
  if (identity === undefined) return { journalSeq, head, signature: null, key: null };
  const signature = identity.sign(signedText(box, { journalSeq, head })).toString('base64');
  return { journalSeq, head, signature, key: identity.publicKey.thumbprint };
}

/** @returns what is wrong with the signature of a checkpoint, which one of the keys must have made */
export function signatureFault(box: string, checkpoint: Checkpoint, keys: readonly KeyObject[]): string | undefined {
  const { signature } = checkpoint;
  if (signature === null) return 'the checkpoint is not signed';
  const text = signedText(box, checkpoint);
  const right = keys.some((key) => verify(null, text, key, Buffer.from(signature, 'base64')));
  return right ? undefined : 'the checkpoint was not signed by this key for this box';
}

/**
 * The public keys of a box: one in PEM, or the chain of all that it ever had.
 *
 * @param where the name of the file, for the message
 * @throws {WaysideError} KEY_INVALID, IDENTITY_INVALID
 */
export function boxKeys(bytes: Buffer, where: string): readonly KeyObject[] {
  if (bytes.toString('utf8').trimStart().startsWith('{')) {
    const { first, links } = readChain(bytes, where);
    return [first, ...links.map(({ publicKey }) => publicKey)].map((spki) => publicKeyOf(spki, where));
  }
  try {
    const key = createPublicKey(bytes);
    if (key.asymmetricKeyType === 'ed25519') return [key];
    throw new Error(`expected an Ed25519 key, found ${key.asymmetricKeyType}`);
  } catch (cause) {
    throw new WaysideError('KEY_INVALID', {
      message: `${where}: no public key of a box: ${messageOf(cause)}`,
      hint: 'name its chain of keys, or one key in PEM',
      cause,
    });
  }
}
