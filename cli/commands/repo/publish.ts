import { Command } from 'commander';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';
import { openSigners, type SigningOptions, signingOptions } from './signing.ts';

export function publishCommand(): Command {
  const command = new Command('publish')
    .summary('publish what is staged and signed')
    .description(
      'Publishes what is staged and signed: makes snapshot and timestamp with the online key, and puts everything into `published/`, the timestamp last. `published/` is what a web server serves.',
    )
    .argument('<folder>', 'folder of the repository');
  for (const option of signingOptions()) command.addOption(option);
  return command.action(running(publishStaged));
}

async function publishStaged({ report }: Context, folder: string, options: SigningOptions): Promise<void> {
  const { publish } = await import('../../../deploy/repository/publish.ts');
  const result = await publish(folder, await openSigners(options));
  const rows = Object.entries(result.versions).map(([role, version]) => [role, String(version)]);
  report({
    document: result,
    text: table([['published', 'version'], ...rows, ...result.files.map((file) => [file, ''])]),
  });
}
