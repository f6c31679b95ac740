import { Command, Option } from 'commander';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';

interface SignOptions {
  readonly key: string;
  readonly passphraseFile?: string;
  readonly passphraseEnv?: string;
}

export function signCommand(): Command {
  return new Command('sign')
    .summary('sign a model package')
    .description(
      'Signs a model package: writes model.sig into it, an OpenSSF Model Signing v1.0 signature by a key on P-256, P-384 or P-521. It says ' +
        'who made the package; a box that is configured with the public key takes no other.',
    )
    .argument('<package>', 'folder of a model package')
    .addOption(new Option('--key <file>', 'private key, PEM (PKCS#8), encrypted or not').makeOptionMandatory())
    .addOption(
      new Option(
        '--passphrase-file <file>',
        'file whose first line is the passphrase of the key; /dev/fd/N for a descriptor',
      ),
    )
    .addOption(
      new Option('--passphrase-env <name>', 'environment variable that holds the passphrase').conflicts(
        'passphraseFile',
      ),
    )
    .action(running(sign));
}

async function passphraseOf({ passphraseFile, passphraseEnv }: SignOptions): Promise<string | undefined> {
  const [{ WaysideError }, { readNamedFile }] = await Promise.all([
    import('../../../core/errors.ts'),
    import('../../../core/files.ts'),
  ]);
  if (passphraseFile !== undefined)
    return (await readNamedFile(passphraseFile)).toString('utf8').split(/\r?\n/, 1)[0] ?? '';
  if (passphraseEnv === undefined) return undefined;
  const value = process.env[passphraseEnv];
  if (value === undefined)
    throw new WaysideError('USAGE', { message: `the environment variable ${passphraseEnv} is not set` });
  return value;
}

async function sign({ report }: Context, path: string, options: SignOptions): Promise<void> {
  const [{ readPrivateKey }, { signPackage }] = await Promise.all([
    import('../../../deploy/signature/keys.ts'),
    import('../../../deploy/signature/sign.ts'),
  ]);
  const signed = await signPackage(path, await readPrivateKey(options.key, await passphraseOf(options)));
  const text = table([
    ['signed', `${path}, ${signed.files} files`],
    ['package', signed.digest],
    ['key', signed.fingerprint],
    ['written', signed.signature],
  ]);
  report({ document: signed, text });
}
