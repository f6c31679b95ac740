import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import type { KeyKind } from '../../../deploy/repository/keys/key-file.ts';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';
import { type PassphraseOptions, passphraseOptions, readPassphrase } from './passphrase.ts';

interface KeyOptions extends PassphraseOptions {
  readonly type: KeyKind;
  readonly owner?: string;
  readonly from?: string;
}

export function keyCommand(): Command {
  const command = new Command('key')
    .summary('make a signing key')
    .description(
      'Makes a signing key: FILE, encrypted with a passphrase, and FILE.pub for the repository. With --from it only writes FILE.pub, of a key that lives in a token or vault.',
    )
    .argument('<file>', 'file of the key; nothing is replaced')
    .addOption(new Option('--type <kind>', 'kind of key').choices(['ed25519', 'p256']).default('ed25519'))
    .addOption(new Option('--owner <name>', 'whose it is, shown by `wayside repo status` (default: name of the file)'))
    .addOption(new Option('--from <pem>', 'public key in PEM, of a key that signs through a command'));
  for (const option of passphraseOptions()) command.addOption(option);
  return command.action(running(makeKey));
}

async function makeKey({ report }: Context, path: string, options: KeyOptions): Promise<void> {
  const { type, from, owner = basename(path) } = options;
  const [{ createKeyFile, readPublicKey }, { keyId }, { diskFiles, replaceFile }] = await Promise.all([
    import('../../../deploy/repository/keys/key-file.ts'),
    import('../../../deploy/repository/keys/public-key.ts'),
    import('../../../core/file-system.ts'),
  ]);
  const publicPath = `${path}.pub`;
  for (const file of from === undefined ? [path, publicPath] : [publicPath]) {
    if ((await diskFiles.size(file)) !== undefined) {
      throw new WaysideError('OUTPUT_EXISTS', { message: `${file} is there already: a key is never replaced` });
    }
  }
  let key: Awaited<ReturnType<typeof readPublicKey>>;
  if (from === undefined) {
    const passphrase = await readPassphrase(options, { prompt: `Passphrase of ${path}: `, twice: true });
    const made = await createKeyFile(type, passphrase, { name: owner });
    await replaceFile(diskFiles, path, made.file, 0o600);
    key = made.key;
  } else {
    key = await readPublicKey(from, owner);
  }
  await replaceFile(diskFiles, publicPath, `${JSON.stringify(key, null, 2)}\n`);
  const id = keyId(key);
  report({
    document: { key: from === undefined ? path : null, publicKey: publicPath, id, scheme: key.scheme, owner },
    text: table([
      ...(from === undefined ? [['key', `${path}, keep it and its passphrase apart`]] : []),
      ['public', publicPath],
      ['id', id],
      ['scheme', key.scheme],
    ]),
  });
}
