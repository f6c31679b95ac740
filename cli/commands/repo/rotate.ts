import { Command, Option } from 'commander';
import { integer } from '../../options/common.ts';
import { type Context, running } from '../../running.ts';
import { several } from './signing.ts';
import { stagedText } from './staged-text.ts';

interface RotateOptions {
  readonly role: string;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly threshold?: number;
}

export function rotateCommand(): Command {
  return new Command('rotate')
    .summary('change or renew the keys of a role')
    .description(
      'Changes who may sign for a role. A new root is signed by the old keys and by the new. Without --add, --remove and --threshold it renews the role before it expires.',
    )
    .argument('<folder>', 'folder of the repository')
    .addOption(
      new Option('--role <role>', 'root, targets, snapshot, timestamp, or a delegated role').makeOptionMandatory(),
    )
    .addOption(new Option('--add <key>', 'public key that may sign from now on; several times').argParser(several))
    .addOption(
      new Option('--remove <id>', 'id of a key, or its beginning, that no longer may; several times').argParser(
        several,
      ),
    )
    .addOption(new Option('--threshold <n>', 'keys that have to sign (default: as before)').argParser(integer(1, 100)))
    .action(running(rotateKeys));
}

async function rotateKeys({ report }: Context, folder: string, options: RotateOptions): Promise<void> {
  const [{ rotate }, { readPublicKey }, { stagedRoles }] = await Promise.all([
    import('../../../deploy/repository/rotate.ts'),
    import('../../../deploy/repository/keys/key-file.ts'),
    import('../../../deploy/repository/status.ts'),
  ]);
  const { role, add = [], remove = [], threshold } = options;
  const keys = await Promise.all(add.map((path) => readPublicKey(path)));
  const roles = await rotate(folder, { role, add: keys, remove, ...(threshold !== undefined && { threshold }) });
  const staged = await stagedRoles(folder);
  report({ document: { roles, staged }, text: stagedText(staged) });
}
