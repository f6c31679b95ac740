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

/** An id or its beginning; anything else names a file. */
const KEY_ID = /^[0-9a-f]{1,64}$/;

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
      new Option(
        '--remove <key>',
        'key that no longer may: its public key file, its id, or the beginning of that; several times',
      ).argParser(several),
    )
    .addOption(new Option('--threshold <n>', 'keys that have to sign (default: as before)').argParser(integer(1, 100)))
    .action(running(rotateKeys));
}

async function rotateKeys({ report }: Context, folder: string, options: RotateOptions): Promise<void> {
  const [{ rotate }, { readPublicKey }, { keyId }, { stagedRoles }] = await Promise.all([
    import('../../../deploy/repository/rotate.ts'),
    import('../../../deploy/repository/keys/key-file.ts'),
    import('../../../deploy/repository/keys/public-key.ts'),
    import('../../../deploy/repository/status.ts'),
  ]);
  const { role, add = [], threshold } = options;
  const keys = await Promise.all(add.map((path) => readPublicKey(path)));
  const remove = await Promise.all(
    (options.remove ?? []).map(async (key) => (KEY_ID.test(key) ? key : keyId(await readPublicKey(key)))),
  );
  const roles = await rotate(folder, { role, add: keys, remove, ...(threshold !== undefined && { threshold }) });
  const staged = await stagedRoles(folder);
  report({ document: { roles, staged }, text: stagedText(staged) });
}
