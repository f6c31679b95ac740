import { Command, Option } from 'commander';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';

interface UnbundleOptions {
  readonly out: string;
  readonly parent?: string;
  readonly force?: true;
}

export function unbundleCommand(): Command {
  return new Command('unbundle')
    .summary('unpack a bundle into the model package it was made from')
    .description(
      'Unpacks a bundle into the model package it was made from, byte for byte. Every digest is verified before the folder appears; ' +
        'nothing is written outside of it.',
    )
    .argument('<bundle>', 'file written by `wayside bundle`')
    .addOption(new Option('--out <folder>', 'folder of the package').makeOptionMandatory())
    .addOption(new Option('--parent <package>', 'package that the bundle holds differences from'))
    .addOption(new Option('--force', 'replace the folder if it is there'))
    .action(running(unbundle));
}

async function unbundle(
  { signal, report }: Context,
  path: string,
  { out, parent, force = undefined }: UnbundleOptions,
): Promise<void> {
  const { unpackBundle } = await import('../../../deploy/bundle/read-bundle.ts');
  const { digest, manifest } = await unpackBundle(path, out, {
    signal,
    replace: force === true,
    ...(parent !== undefined && { parent }),
  });
  const document = { package: out, name: manifest.name, version: manifest.version, digest };
  const text = table([
    ['package', `${manifest.name} ${manifest.version}`],
    ['digest', digest],
    ['written', out],
  ]);
  report({ document, text });
}
