import { once } from 'node:events';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Context, running } from '../../running.ts';
import { journalArgument } from './folder.ts';

interface ExportOptions {
  readonly from?: number;
  readonly to?: number;
  readonly kind?: readonly string[];
  readonly format: 'ndjson' | 'csv';
}

/** `2026-03-01`, the beginning of that day (UTC), or a full time with its zone. */
function moment(text: string): number {
  const shaped = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const ms = Date.parse(text);
  if (!shaped || Number.isNaN(ms)) throw new InvalidArgumentError('a day, 2026-03-01, or a time, 2026-03-01T12:00Z');
  return ms;
}

export function exportCommand(): Command {
  return new Command('export')
    .summary('write messages of a journal to stdout, delivered or not')
    .description('Writes the messages of a journal to stdout in the order of their numbers, delivered or not.')
    .addArgument(journalArgument())
    .addOption(new Option('--from <time>', 'observed at this time or later').argParser(moment))
    .addOption(new Option('--to <time>', 'observed before this time').argParser(moment))
    .addOption(new Option('--kind <kind...>', 'of these kinds, such as counts, or journal-gap; all without it'))
    .addOption(
      new Option('--format <format>', 'a message a line, or a table with a column a field')
        .choices(['ndjson', 'csv'])
        .default('ndjson'),
    )
    .action(running(exportMessages));
}

async function exportMessages(
  { signal, note }: Context,
  folder: string,
  { from, to, kind, format }: ExportOptions,
): Promise<void> {
  const [{ exportedMessages, csvOf }, { diskFiles }] = await Promise.all([
    import('../../../daemon/journal/export.ts'),
    import('../../../core/file-system.ts'),
  ]);
  const wanted = {
    from: from ?? Number.NEGATIVE_INFINITY,
    to: to ?? Number.POSITIVE_INFINITY,
    ...(kind === undefined ? {} : { kinds: kind }),
  };
  const messages = (): ReturnType<typeof exportedMessages> => exportedMessages(diskFiles, folder, wanted, note);
  for await (const line of format === 'csv' ? csvOf(messages) : messages()) {
    signal.throwIfAborted();
    if (!process.stdout.write(`${typeof line === 'string' ? line : line.payload}\n`))
      await once(process.stdout, 'drain');
  }
}
