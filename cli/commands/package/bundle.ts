import { Command, Option } from 'commander';
import type { Bundle } from '../../../deploy/bundle/write-bundle.ts';
import { bytes } from '../../format.ts';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';

interface BundleOptions {
  readonly out: string;
  readonly parent?: string;
}

export function bundleCommand(): Command {
  return new Command('bundle')
    .summary('pack a model package into one small file for the way to a box')
    .description(
      'Packs a model package into one file for the way to a box: the weights entropy-coded, the rest in brotli. The same package gives ' +
        'the same bytes. With --parent the file holds only what differs from a package that the box has.',
    )
    .argument('<package>', 'folder of a model package')
    .addOption(new Option('--out <file>', 'the bundle; a file that is there is replaced').makeOptionMandatory())
    .addOption(new Option('--parent <package>', 'package that the box has: the bundle then needs it to be unpacked'))
    .action(running(bundle));
}

async function bundle({ signal, report }: Context, path: string, { out, parent }: BundleOptions): Promise<void> {
  const [{ bundlePackage }, { writeFileAtomic }] = await Promise.all([
    import('../../../deploy/bundle/write-bundle.ts'),
    import('../../../core/files.ts'),
  ]);
  const made = await bundlePackage(path, { signal, ...(parent !== undefined && { parent }) });
  await writeFileAtomic(out, made.bytes);
  const { bytes: content, parent: from, ...facts } = made;
  report({
    document: { bundle: out, bytes: content.length, parent: from ?? null, ...facts },
    text: summary(out, made),
  });
}

const summary = (out: string, { sizes, packageBytes, runBytes, digest, parent, bytes: content }: Bundle): string =>
  table([
    ['over the air', `${bytes(content.length)}, ${(packageBytes / content.length).toFixed(2)} times smaller`],
    ['package', `${bytes(packageBytes)}, of which a box needs ${bytes(runBytes)} to run it`],
    ['of it', `weights ${bytes(sizes.codes)}, rest ${bytes(sizes.rest)}, header ${bytes(sizes.header)}`],
    ...(parent === undefined ? [] : [['differences from', parent]]),
    ['digest', digest],
    ['written', out],
  ]);
