import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { BOX, entryOf, gapEntry } from '../../bench/harness/journal/life.ts';
import { diskFiles } from '../../core/file-system.ts';
import { checkpointOf } from '../../daemon/journal/checkpoint.ts';
import { csvOf, exportedMessages } from '../../daemon/journal/export.ts';
import { Journal } from '../../daemon/journal/journal.ts';
import { retentionOf } from '../../daemon/journal/retention.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runWayside } from '../support/wayside.ts';

const folder = temporaryFolder();

it('a journal is checked, told of and exported beside the box that writes it', async () => {
  const path = `${folder()}/journal`;
  const options = { box: BOX, retention: retentionOf(1e8, 30), gapEntry };
  const journal = new Journal(diskFiles, path, options);
  await journal.open();
  for (const name of ['a', '=b', 'c "d", e']) journal.append(entryOf(name));
  await journal.commit();
  journal.acknowledge(1, 1);
  await journal.close();
  const checkpoint = `${folder()}/checkpoint.json`;
  await writeFile(checkpoint, JSON.stringify(checkpointOf(BOX, journal.tip, undefined)));

  const verified = await runWayside(['journal', 'verify', path, '--checkpoint', checkpoint, '--json']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ messages: 3, checkpoint: 'matches', faults: [] });
  const status = await runWayside(['journal', 'status', path, '--json']);
  expect(JSON.parse(status.stdout)).toMatchObject({ box: BOX, messages: 3, undelivered: 2, gaps: [] });
  const exported = await runWayside(['journal', 'export', path, '--kind', 'counts']);
  expect(
    exported.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { name: 'a', journalSeq: 1 },
    { name: '=b', journalSeq: 2 },
    { name: 'c "d", e', journalSeq: 3 },
  ]);
  const lines: string[] = [];
  const all = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  for await (const line of csvOf(() => exportedMessages(diskFiles, path, all, () => undefined))) lines.push(line);
  expect(lines).toEqual([
    'journalSeq,topic,name',
    `1,wayside/v1/${BOX}/counts,a`,
    `2,wayside/v1/${BOX}/counts,'=b`,
    `3,wayside/v1/${BOX}/counts,"c ""d"", e"`,
  ]);

  const bytes = Buffer.from(await diskFiles.read(`${path}/0000000001.journal`));
  bytes[bytes.length - 90] = (bytes[bytes.length - 90] ?? 0) ^ 1;
  await writeFile(`${path}/0000000001.journal`, bytes);
  const altered = await runWayside(['journal', 'verify', path]);
  expect(altered.exit).toBe(65);
  expect(altered.stderr).toContain('JOURNAL_INVALID');
});
