import { Command, InvalidArgumentError, Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import { bytes } from '../../format.ts';
import { type Context, running } from '../../running.ts';
import { stagedText } from './staged-text.ts';

interface Model {
  readonly name: string;
  readonly version: string;
}

interface AddOptions {
  readonly model?: Model;
  readonly minVersion?: string;
  readonly formats?: Readonly<Record<string, number>>;
  readonly path?: string;
  readonly role?: string;
  readonly remove?: true;
}

function modelOption(text: string): Model {
  const [, name, version] = /^([a-z0-9][a-z0-9._-]{0,63})@([a-z0-9][a-z0-9.+_-]{0,63})$/i.exec(text) ?? [];
  if (name !== undefined && version !== undefined && name === name.toLowerCase()) return { name, version };
  throw new InvalidArgumentError('It must be NAME@VERSION, such as vehicles@2: small letters, digits, . _ and -.');
}

function formatOption(text: string, before: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const [, name, number] = /^([a-z]{1,30})=(\d{1,6})$/.exec(text) ?? [];
  if (name !== undefined && Number(number) > 0) return { ...before, [name]: Number(number) };
  throw new InvalidArgumentError('It must be NAME=NUMBER, such as package=2.');
}

export function addCommand(): Command {
  return new Command('add')
    .summary('stage a file for the boxes')
    .description(
      'Stages a file, usually the bundle of a model package, to be signed and published. With --remove it withdraws a target: boxes that have it keep it.',
    )
    .argument('<folder>', 'folder of the repository')
    .argument('<file>', 'the file; with --remove the path of the target')
    .addOption(new Option('--model <name@version>', 'what it is, as jobs name it').argParser(modelOption))
    .addOption(new Option('--min-version <version>', 'version that boxes never go back below once they have seen this'))
    .addOption(
      new Option('--formats <name=n>', 'format that a box must read, such as package=2; several times').argParser(
        formatOption,
      ),
    )
    .addOption(
      new Option(
        '--path <path>',
        'path of the target (default: NAME/VERSION.bundle, for differences NAME/VERSION.from-DIGEST.bundle)',
      ),
    )
    .addOption(
      new Option(
        '--role <role>',
        'role that signs for it (default: the first that is delegated the path, else targets)',
      ),
    )
    .addOption(new Option('--remove', 'withdraw a target'))
    .action(running(add));
}

async function add({ report }: Context, folder: string, file: string, options: AddOptions): Promise<void> {
  const [{ addTarget, removeTarget }, { stagedRoles }, { targetPathOf }] = await Promise.all([
    import('../../../deploy/repository/stage-targets.ts'),
    import('../../../deploy/repository/status.ts'),
    import('../../../deploy/target.ts'),
  ]);
  if (options.remove) {
    const role = await removeTarget(folder, file);
    const staged = await stagedRoles(folder);
    return report({ document: { removed: file, role, staged }, text: `${file} is withdrawn\n\n${stagedText(staged)}` });
  }
  const { model, minVersion, formats, path, role } = options;
  if (model === undefined) {
    throw new WaysideError('USAGE', { message: 'what is it?', hint: 'name it: --model vehicles@2' });
  }
  const held = await bundleFacts(file);
  const custom = { ...model, ...held, ...(minVersion !== undefined && { minVersion }), ...(formats && { formats }) };
  const added = await addTarget(folder, {
    file,
    custom,
    path: path ?? targetPathOf({ ...model, parent: held.parent }),
    ...(role !== undefined && { role }),
  });
  const staged = await stagedRoles(folder);
  report({
    document: { ...added, custom, staged },
    text: `${added.path}, ${bytes(added.length)}, sha256 ${added.sha256}\n\n${stagedText(staged)}`,
  });
}

interface BundleFacts {
  readonly package?: `sha256:${string}`;
  readonly unpackedBytes?: number;
  readonly parent?: `sha256:${string}`;
}

/** What boxes are to know before they fetch a bundle: the package that it holds, its size, what it needs. Nothing of any other file. */
async function bundleFacts(path: string): Promise<BundleFacts> {
  const [{ isBundle, inspectBundle }, { readNamedFile }] = await Promise.all([
    import('../../../deploy/bundle/read-bundle.ts'),
    import('../../../core/files.ts'),
  ]);
  if (!isBundle(await readNamedFile(path))) return {};
  const { package: held, parent, files } = await inspectBundle(path);
  const unpackedBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  return { package: held, unpackedBytes, ...(parent === undefined ? {} : { parent }) };
}
