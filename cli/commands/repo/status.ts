import { Command } from 'commander';
import type { PublishedRole } from '../../../deploy/repository/status.ts';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';
import { stagedText } from './staged-text.ts';

export function statusCommand(): Command {
  return new Command('status')
    .summary('say what is published until when, and who has still to sign')
    .description('Says what is published and when it expires, and what is staged and who has still to sign it.')
    .argument('<folder>', 'folder of the repository')
    .action(running(status));
}

async function status({ report, paint }: Context, folder: string): Promise<void> {
  const { repositoryStatus } = await import('../../../deploy/repository/status.ts');
  const found = await repositoryStatus(folder);
  const expiry = ({ expires, daysLeft }: PublishedRole): string =>
    daysLeft < 0 ? paint('red', `expired ${expires}`) : `${expires.slice(0, 10)}, in ${daysLeft} days`;
  const rows = found.published.map((role) => [
    role.role,
    String(role.version),
    expiry(role),
    `${role.threshold} of ${role.keys.map(({ name }) => name).join(', ')}`,
    role.targets === null ? '' : `${role.targets}`,
  ]);
  const published =
    rows.length === 0
      ? 'nothing is published yet'
      : table([['published', 'version', 'expires', 'signed by', 'targets'], ...rows]);
  report({ document: found, text: `${published}\n\n${stagedText(found.staged)}` });
}
