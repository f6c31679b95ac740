import { Command, Option } from 'commander';
import { bytes, count } from '../../format.ts';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';
import { journalArgument } from './folder.ts';

interface VerifyOptions {
  readonly checkpoint?: string;
  readonly key?: string;
}

export function verifyCommand(): Command {
  return new Command('verify')
    .summary('check every record; ends with an error where one was altered, dropped, added or put elsewhere')
    .description(
      'Checks the chain of a journal from its first record to its last. An end that was cut off is found against a checkpoint: a message of the topic journal/checkpoint, as the control centre has it.',
    )
    .addArgument(journalArgument())
    .addOption(new Option('--checkpoint <file>', 'a checkpoint that the box published, JSON'))
    .addOption(new Option('--key <file>', 'that signed it: the chain of keys of the box, or a public key in PEM'))
    .action(running(verify));
}

async function verify({ report, note }: Context, folder: string, options: VerifyOptions): Promise<void> {
  const [{ verifyJournal }, { boxKeys, readCheckpoint }, { diskFiles }, { readNamedFile }, { WaysideError }] =
    await Promise.all([
      import('../../../daemon/journal/verify.ts'),
      import('../../../daemon/journal/checkpoint.ts'),
      import('../../../core/file-system.ts'),
      import('../../../core/files.ts'),
      import('../../../core/errors.ts'),
    ]);
  const { checkpoint: file, key } = options;
  if (key !== undefined && file === undefined)
    throw new WaysideError('USAGE', {
      message: 'a key signs checkpoints: none was named',
      hint: 'add --checkpoint FILE',
    });
  const checkpoint = file === undefined ? undefined : readCheckpoint(await readNamedFile(file), file);
  const found = await verifyJournal(diskFiles, folder, {
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(key === undefined ? {} : { keys: boxKeys(await readNamedFile(key), key) }),
  });
  const [fault] = found.faults;
  if (fault !== undefined) {
    const more = found.faults.length === 1 ? '' : ` (and ${found.faults.length - 1} more)`;
    throw new WaysideError('JOURNAL_INVALID', {
      message: `${folder}: ${fault}${more}`,
      hint: 'nothing before the first fault is in doubt: `wayside journal export` gives it',
    });
  }
  if (checkpoint === undefined) note('without --checkpoint, an end that was cut off is not found');
  else if (key === undefined) note('without --key, who signed the checkpoint is not known');
  const text = table([
    ['box', found.box],
    ['segments', `${count(found.segments)}, ${bytes(found.bytes)}`],
    ['messages', found.first === null ? 'none' : `${count(found.messages)}, numbers ${found.first} to ${found.last}`],
    ['chain', 'whole'],
    ['checkpoint', found.checkpoint ?? 'none given'],
  ]);
  report({ document: { folder, ...found }, text });
}
