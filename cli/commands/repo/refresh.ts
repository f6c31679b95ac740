import { Command } from 'commander';
import { type Context, running } from '../../running.ts';
import { openSigners, type SigningOptions, signingOptions } from './signing.ts';

export function refreshCommand(): Command {
  const command = new Command('refresh')
    .summary('keep the published repository fresh')
    .description(
      'Signs the timestamp anew, and the snapshot when half of its time is over: what a timer does with the online key, so that boxes can tell a quiet repository from a frozen one.',
    )
    .argument('<folder>', 'folder of the repository');
  for (const option of signingOptions()) command.addOption(option);
  return command.action(running(refresh));
}

async function refresh({ report }: Context, folder: string, options: SigningOptions): Promise<void> {
  const { refreshRepository } = await import('../../../deploy/repository/publish.ts');
  const versions = await refreshRepository(folder, await openSigners(options));
  const text = Object.entries(versions).map(([role, version]) => `${role} ${version}`);
  report({ document: { versions }, text: text.join(', ') });
}
