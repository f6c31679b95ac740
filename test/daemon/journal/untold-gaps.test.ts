import { describe, expect, it } from 'vitest';
import { entryOf, FOLDER, gapOf, journalOn } from '../../../bench/harness/journal/life.ts';
import { LOSSES } from '../../../bench/harness/power-cuts/losses.ts';
import { MemoryFiles } from '../../../bench/harness/power-cuts/memory-files.ts';
import { seededRandom } from '../../../core/random.ts';
import type { Journal } from '../../../daemon/journal/journal.ts';
import { segmentsIn } from '../../../daemon/journal/opening.ts';
import { MessageReader, type Read } from '../../../daemon/journal/reader.ts';
import { segmentName } from '../../../daemon/journal/segment.ts';

const MESSAGES = 40;
/** The broker has these, and the disk says so. */
const ACKNOWLEDGED = 3;

const pathOf = (index: number): string => `${FOLDER}/${segmentName(index)}`;

/** A journal that ended in order: several segments, most of their messages not with the broker yet. */
async function written(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  await files.makeFolder('/var');
  const journal = journalOn(files);
  await journal.open();
  for (let count = 1; count <= MESSAGES; count++) {
    journal.append(entryOf(`message ${count}`));
    await journal.commit();
    if (count === 2 * ACKNOWLEDGED) journal.acknowledge(ACKNOWLEDGED, ACKNOWLEDGED);
  }
  await journal.close();
  files.flushAll();
  return files;
}

async function overwrite(files: MemoryFiles, index: number, at: number): Promise<void> {
  const bytes = Buffer.from(await files.read(pathOf(index)));
  bytes.fill(0xff, at, at + 8);
  await files.remove(pathOf(index));
  const file = await files.open(pathOf(index), 'new');
  await file.write(bytes);
}

/** What may have happened to a journal between two runs. */
const DAMAGE: Record<string, (files: MemoryFiles, indices: readonly number[]) => Promise<void>> = {
  'every segment is gone': async (files, indices) => {
    for (const index of indices) await files.remove(pathOf(index));
  },
  'no header can be read': async (files, indices) => {
    for (const index of indices) await overwrite(files, index, 60);
  },
  'the oldest segment is gone': async (files, [first = 0]) => files.remove(pathOf(first)),
  'a segment in the middle is gone': async (files, [, second = 0]) => files.remove(pathOf(second)),
  'the header of a segment in the middle cannot be read': async (files, [, second = 0]) => overwrite(files, second, 60),
  'a record in the middle of a segment cannot be read': async (files, [, second = 0]) => overwrite(files, second, 900),
  'a record of the newest segment cannot be read': async (files, indices) => overwrite(files, indices.at(-1) ?? 0, 700),
  'the newest segment is gone': async (files, indices) => files.remove(pathOf(indices.at(-1) ?? 0)),
  'the quota overflowed, and the power went when the new segment had its header alone': async (files) => {
    const journal = journalOn(
      files,
      { quotaBytes: 5_000, keepMs: 0, segmentBytes: 2_000, segmentMs: 3_600_000 },
      () => 2,
    );
    await journal.open();
    journal.append(entryOf('one more'));
    files.room = 900; // the header of a segment, and not the message with its gaps
    await journal.commit();
    files.room = Number.POSITIVE_INFINITY;
  },
};

/** What the broker got and heard of, by number. */
class Heard {
  readonly #numbers = new Set<number>();

  take(messages: readonly Read[]): void {
    for (const message of messages) {
      this.#numbers.add(message.journalSeq);
      const gap = gapOf(message);
      if (gap !== undefined)
        for (let number = gap.from; number <= Math.min(gap.to, MESSAGES); number++) this.#numbers.add(number);
    }
  }

  copy(): Heard {
    const copy = new Heard();
    for (const number of this.#numbers) copy.#numbers.add(number);
    return copy;
  }

  /** Of those that were written and that the broker did not have. */
  get missing(): number[] {
    const all = Array.from({ length: MESSAGES - ACKNOWLEDGED }, (_, index) => ACKNOWLEDGED + 1 + index);
    return all.filter((number) => !this.#numbers.has(number));
  }
}

/** Delivers everything, as the broker confirms it, and writes what that told. */
async function deliver(journal: Journal, reader: MessageReader, heard: Heard): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    for (let some = await reader.read(); some.length > 0; some = await reader.read()) {
      heard.take(some);
      const last = some.at(-1);
      if (last !== undefined) journal.acknowledge(last.journalSeq, last.ordinal);
    }
    await journal.commit();
  }
}

/** A run after the damage, a day later: its first write begins a segment. */
async function run(files: MemoryFiles, heard: Heard, name: string): Promise<void> {
  const journal = journalOn(files, undefined, () => 25);
  await journal.open();
  journal.append(entryOf(name));
  const reader = new MessageReader(files, FOLDER, journal);
  await deliver(journal, reader, heard);
}

async function damaged(name: string): Promise<MemoryFiles> {
  const files = await written();
  await DAMAGE[name]?.(files, await segmentsIn(files, FOLDER));
  files.flushAll();
  return files;
}

describe('what is missing is told, though the run that found it could not write it down or lost its power', () => {
  it.each(Object.keys(DAMAGE))('%s', async (name) => {
    const found = new Heard();
    await run(await damaged(name), found, 'told at once');
    expect(found.missing).toEqual([]);

    const silent: string[] = [];
    const random = seededRandom(3);
    const next = async (left: MemoryFiles, heard: Heard, when: string): Promise<void> => {
      await run(left, heard, 'after the cut');
      if (heard.missing.length > 0) silent.push(`${when}: ${heard.missing.join(' ')}`);
    };
    const states = new Map<string, () => Promise<void>>();
    const files = await damaged(name);
    const heard = new Heard();
    files.beforeAct = () => {
      for (const loss of LOSSES) {
        const left = files.afterCut(loss, random);
        const before = heard.copy();
        const key = `${left.fingerprint()} ${before.missing.length}`;
        const act = files.acts;
        if (!states.has(key)) states.set(key, () => next(left, before, `${loss}, before act ${act}`));
      }
    };
    await run(files, heard, 'interrupted');
    for (const check of states.values()) await check();

    for (let room = 0; room < 3000; room += 100) {
      const full = await damaged(name);
      const heardOnAFullDisk = new Heard();
      full.room = room;
      await run(full, heardOnAFullDisk, 'on a full disk');
      for (const loss of ['kept', 'lost', 'mixed'] as const)
        await next(full.afterCut(loss, random), heardOnAFullDisk.copy(), `${loss}, with room for ${room} bytes`);
    }
    expect(silent).toEqual([]);
  });
});

it('says of a gap that waited to be told since when messages may be missing: not since the segment that was begun for it', async () => {
  const files = await written();
  const interrupted = journalOn(files, undefined, () => 25);
  await interrupted.open();
  interrupted.append(entryOf('lost'));
  files.room = 400; // the header of a segment alone
  await interrupted.commit();
  const left = files.afterCut('kept', seededRandom(1));
  const journal = journalOn(left, undefined, () => 26);
  await journal.open();
  await journal.commit();
  const found: Read[] = [];
  const reader = new MessageReader(left, FOLDER, journal);
  for (let some = await reader.read(); some.length > 0; some = await reader.read()) found.push(...some);
  const { capturedAt } = entryOf('any');
  expect(await segmentsIn(left, FOLDER)).toHaveLength((await segmentsIn(await written(), FOLDER)).length + 1);
  expect(found.flatMap((message) => gapOf(message) ?? [])).toMatchObject([{ from: MESSAGES + 1, since: capturedAt }]);
});
