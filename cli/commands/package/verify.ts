import { Command, Option } from 'commander';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';

interface VerifyOptions {
  readonly key: readonly string[];
}

export function verifyCommand(): Command {
  return new Command('verify')
    .summary('check the signature of a model package')
    .description(
      'Checks that a model package is whole and that one of the given keys signed all of it: OpenSSF Model Signing v1.0, method key, as ' +
        '`wayside sign` and the reference tool model-signing write it.',
    )
    .argument('<package>', 'folder of a model package')
    .addOption(
      new Option('--key <file>', 'public key, PEM; given several times, one of them must have signed')
        .argParser((file: string, before: readonly string[] = []) => [...before, file])
        .makeOptionMandatory(),
    )
    .action(running(verify));
}

async function verify({ report }: Context, path: string, { key }: VerifyOptions): Promise<void> {
  const [{ readPublicKey }, { verifySignature }, { readPackage }] = await Promise.all([
    import('../../../deploy/signature/keys.ts'),
    import('../../../deploy/signature/verify.ts'),
    import('../../../inference/read-package.ts'),
  ]);
  const keys = await Promise.all(key.map(readPublicKey));
  const opened = await readPackage(path);
  const { fingerprint } = await verifySignature(opened, keys);
  const { name, version } = opened.manifest;
  const text = table([
    ['package', `${name} ${version}`],
    ['digest', opened.digest],
    ['signed by', fingerprint],
  ]);
  report({ document: { package: path, name, version, digest: opened.digest, fingerprint }, text });
}
