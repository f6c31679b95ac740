import { Command, Option } from 'commander';
import { integer } from '../../options/common.ts';
import { type Context, running } from '../../running.ts';
import { several } from './signing.ts';
import { stagedText } from './staged-text.ts';

interface DelegateOptions {
  readonly paths: readonly string[];
  readonly keys: readonly string[];
  readonly threshold: number;
}

export function delegateCommand(): Command {
  return new Command('delegate')
    .summary('let other keys sign for a family of models or a site')
    .description(
      'Lets other keys sign for the targets of some paths, such as a family of models or a site. Nobody else is asked about those paths then.',
    )
    .argument('<folder>', 'folder of the repository')
    .argument('<role>', 'name of the new role')
    .addOption(
      new Option('--paths <pattern>', 'targets that it may sign for, such as "vehicles/*"; several times')
        .argParser(several)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--keys <key>', 'public key that signs for it; several times')
        .argParser(several)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--threshold <n>', 'keys that have to sign').argParser(integer(1, 100)).default(1))
    .action(running(delegateRole));
}

async function delegateRole(
  { report }: Context,
  folder: string,
  role: string,
  options: DelegateOptions,
): Promise<void> {
  const [{ delegate }, { readPublicKey }, { stagedRoles }] = await Promise.all([
    import('../../../deploy/repository/stage-targets.ts'),
    import('../../../deploy/repository/keys/key-file.ts'),
    import('../../../deploy/repository/status.ts'),
  ]);
  const { paths, threshold } = options;
  const keys = await Promise.all(options.keys.map((path) => readPublicKey(path)));
  await delegate(folder, { role, paths, threshold, keys });
  const staged = await stagedRoles(folder);
  report({ document: { role, paths, staged }, text: stagedText(staged) });
}
