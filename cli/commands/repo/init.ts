import { Command, Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import { decimal, integer } from '../../options/common.ts';
import { type Context, running } from '../../running.ts';
import { several } from './signing.ts';
import { stagedText } from './staged-text.ts';

interface InitOptions {
  readonly root: readonly string[];
  readonly rootThreshold: number;
  readonly targets: readonly string[];
  readonly targetsThreshold: number;
  readonly online: readonly string[];
  readonly snapshot?: readonly string[];
  readonly rootVersion: number;
  readonly rootDays?: number;
  readonly targetsDays?: number;
  readonly snapshotDays?: number;
  readonly timestampDays?: number;
}

const keys = (flags: string, description: string): Option => new Option(flags, description).argParser(several);
const threshold = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(integer(1, 100)).default(1);
const days = (role: string, value: number): Option =>
  new Option(`--${role}-days <n>`, `days for which ${role} is valid once signed (default: ${value})`).argParser(
    decimal(0.01, 3650),
  );

export function initCommand(): Command {
  return new Command('init')
    .summary('begin a repository')
    .description(
      'Begins a repository: stages its first root and its empty list of targets. Then the owners of the keys sign, and `wayside repo publish` publishes.',
    )
    .argument('<folder>', 'folder of the repository')
    .addOption(
      keys('--root <key>', 'public key of the root: says who may sign the rest; several times').makeOptionMandatory(),
    )
    .addOption(threshold('--root-threshold <n>', 'root keys that have to sign'))
    .addOption(keys('--targets <key>', 'public key that signs targets; several times').makeOptionMandatory())
    .addOption(threshold('--targets-threshold <n>', 'targets keys that have to sign'))
    .addOption(
      keys(
        '--online <key>',
        'public key of the machine that publishes and keeps the timestamp fresh; several times',
      ).makeOptionMandatory(),
    )
    .addOption(keys('--snapshot <key>', 'public key of the snapshot (default: those of --online)'))
    .addOption(
      new Option(
        '--root-version <n>',
        'number of the first root; above the last one of a repository whose root keys are lost',
      )
        .argParser(integer(1))
        .default(1),
    )
    .addOption(days('root', 365))
    .addOption(days('targets', 180))
    .addOption(days('snapshot', 30))
    .addOption(days('timestamp', 3))
    .action(running(init));
}

async function init({ report }: Context, folder: string, options: InitOptions): Promise<void> {
  const [{ initRepository }, { readPublicKey }, { stagedRoles }] = await Promise.all([
    import('../../../deploy/repository/init.ts'),
    import('../../../deploy/repository/keys/key-file.ts'),
    import('../../../deploy/repository/status.ts'),
  ]);
  const read = (paths: readonly string[]) => Promise.all(paths.map((path) => readPublicKey(path)));
  const { root, targets, online, snapshot = online, rootThreshold, targetsThreshold, rootVersion } = options;
  const roles = {
    root: { keys: await read(root), threshold: rootThreshold },
    targets: { keys: await read(targets), threshold: targetsThreshold },
    snapshot: { keys: await read(snapshot), threshold: 1 },
    timestamp: { keys: await read(online), threshold: 1 },
  };
  const { rootDays, targetsDays, snapshotDays, timestampDays } = options;
  const given = { root: rootDays, targets: targetsDays, snapshot: snapshotDays, timestamp: timestampDays };
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  await initRepository(folder, { roles, rootVersion, days: chosen });
  const staged = await stagedRoles(folder);
  if (staged.length === 0) throw new WaysideError('INTERNAL', { message: 'nothing was staged' });
  report({ document: { folder, staged }, text: stagedText(staged) });
}
