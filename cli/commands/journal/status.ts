import { Command } from 'commander';
import { bytes, count } from '../../format.ts';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';
import { journalArgument } from './folder.ts';

export function statusCommand(): Command {
  return new Command('status')
    .summary('say what a journal holds, and what of it is not delivered')
    .description('Says what a journal holds, what of it the broker has not confirmed, and what was lost.')
    .addArgument(journalArgument())
    .action(running(status));
}

async function status({ report, paint }: Context, folder: string): Promise<void> {
  const [{ journalContent }, { diskFiles }] = await Promise.all([
    import('../../../daemon/journal/content.ts'),
    import('../../../core/file-system.ts'),
  ]);
  const content = await journalContent(diskFiles, folder);
  const { box, segments, messages, undelivered, first, last, gaps } = content;
  const text = [
    table([
      ['box', box],
      ['segments', `${count(segments)}, ${bytes(content.bytes)}`],
      ['messages', first === null ? 'none' : `${count(messages)}, numbers ${first} to ${last}`],
      ['observed', content.from === null ? 'nothing' : `${content.from} to ${content.to}`],
      ['not confirmed', count(undelivered)],
    ]),
    ...gaps.map(({ from, to, reason }) => paint('red', `lost: numbers ${from} to ${to}, ${reason}`)),
  ].join('\n');
  report({ document: { folder, ...content }, text });
}
