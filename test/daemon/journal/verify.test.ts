import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { alterations, closedJournal, FOLDER } from '../../../bench/harness/journal/alterations.ts';
import { BOX, entryOf, journalOn } from '../../../bench/harness/journal/life.ts';
import { identityOf, makeIdentityKey, publicKeyOf } from '../../../core/identity/key.ts';
import { seededRandom } from '../../../core/random.ts';
import { checkpointOf } from '../../../daemon/journal/checkpoint.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';

describe('a journal that somebody altered', () => {
  it('is found out: edits, checksums corrected or not, drops, insertions, other orders, ends cut off', async () => {
    const random = seededRandom(11);
    const { missed, kinds, tried } = await alterations(random, 600);
    expect(missed).toEqual([]);
    expect(tried).toBe(600);
    expect(Math.min(...kinds.values())).toBeGreaterThan(10);
  });

  it('is whole where nobody did, and tells what it holds', async () => {
    const { files, checkpoint } = await closedJournal();
    const found = await verifyJournal(files, FOLDER, { checkpoint });
    expect(found).toMatchObject({ box: BOX, faults: [], checkpoint: 'matches', tornBytes: 0 });
    expect(found.messages).toBe((found.last ?? 0) - (found.first ?? 0) + 1);
    expect(found.segments).toBeGreaterThan(5);
  });

  it('is only half looked at without a checkpoint: an end that was cut off goes unseen', async () => {
    const { files, checkpoint } = await closedJournal();
    const names = (await files.list(FOLDER)).filter((name) => name.endsWith('.journal'));
    await files.remove(`${FOLDER}/${names.at(-1)}`);
    expect((await verifyJournal(files, FOLDER)).faults).toEqual([]);
    expect((await verifyJournal(files, FOLDER, { checkpoint })).faults).toHaveLength(1);
  });

  it('goes on after a checkpoint, which still holds', async () => {
    const { files, checkpoint } = await closedJournal();
    const journal = journalOn(files);
    await journal.open();
    journal.append(entryOf('later'));
    await journal.commit();
    expect(await verifyJournal(files, FOLDER, { checkpoint })).toMatchObject({ faults: [], checkpoint: 'matches' });
  });
});

describe('the signature of a checkpoint', () => {
  const identity = identityOf(makeIdentityKey(), 'made');
  const publicKey = publicKeyOf(identity.publicKey.spki, 'made');
  const tip = { journalSeq: 12, head: 'ab'.repeat(32) };

  it('belongs to a key, a box, a number and a chain', async () => {
    const { files, tip: real } = await closedJournal();
    const faults = async (
      checkpoint: ReturnType<typeof checkpointOf>,
      key: KeyObject = publicKey,
    ): Promise<readonly string[]> => (await verifyJournal(files, FOLDER, { checkpoint, keys: [key] })).faults;
    const good = checkpointOf(BOX, real, identity);
    expect(await faults(good)).toEqual([]);
    expect(good.key).toBe(identity.publicKey.thumbprint);
    const wrong = ['the checkpoint was not signed by this key for this box'];
    expect(await faults(good, generateKeyPairSync('ed25519').publicKey)).toEqual(wrong);
    expect(await faults(checkpointOf('site/other', real, identity))).toEqual(wrong);
    expect(await faults({ ...good, journalSeq: real.journalSeq + 1 })).toEqual(wrong);
    expect(await faults(checkpointOf(BOX, real, undefined))).toEqual(['the checkpoint is not signed']);
    expect(await faults(checkpointOf(BOX, tip, identity))).toHaveLength(1);
  });
});
