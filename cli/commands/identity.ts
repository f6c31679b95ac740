import { Command, Option } from 'commander';
import { type Context, running } from '../running.ts';

interface IdentityOptions {
  readonly folder: string;
}

const folderOption = (): Option => new Option('--folder <dir>', 'folder of the configuration').default('/etc/wayside');

export function identityCommand(): Command {
  return new Command('identity')
    .summary('the key by which a box is known')
    .description(
      'Shows or replaces the Ed25519 key of a box. `wayside init` makes it on the box; its public half is in the `info` topic.',
    )
    .addCommand(
      new Command('show')
        .summary('the public half, and the keys that came before')
        .description(
          'Prints the public half of the key and its thumbprint, after verifying that every key was signed by the one before.',
        )
        .addOption(folderOption())
        .action(running(show)),
    )
    .addCommand(
      new Command('rotate')
        .summary('replace the key; the old one signs the new one')
        .description(
          'Makes a new key and signs it with the old one, so that whoever knew the old one knows the new one. The daemon takes it at its next start.',
        )
        .addOption(folderOption())
        .action(running(rotate)),
    );
}

async function show({ report }: Context, { folder }: IdentityOptions): Promise<void> {
  const [{ newestOf, readChain }, { identityFiles }, { readNamedFile }] = await Promise.all([
    import('../../core/identity/chain.ts'),
    import('../../core/identity/files.ts'),
    import('../../core/files.ts'),
  ]);
  const { chain: file } = identityFiles(folder);
  const chain = readChain(await readNamedFile(file), file);
  const { spki, thumbprint } = newestOf(chain, file);
  const rotations = chain.links.length;
  const document = { publicKey: spki, thumbprint, first: chain.first, rotations: chain.links };
  const since = rotations === 0 ? 'the first key of the box' : `rotated ${rotations}x, last ${chain.links.at(-1)?.at}`;
  report({ document, text: `public key  ${spki}\nthumbprint  ${thumbprint}\n${since}` });
}

async function rotate({ report }: Context, { folder }: IdentityOptions): Promise<void> {
  const [{ newestOf }, { identityFiles, rotateIdentity }] = await Promise.all([
    import('../../core/identity/chain.ts'),
    import('../../core/identity/files.ts'),
  ]);
  const files = identityFiles(folder);
  const chain = await rotateIdentity(files, Date.now());
  const { spki, thumbprint } = newestOf(chain, files.chain);
  report({
    document: { publicKey: spki, thumbprint, rotations: chain.links.length },
    text: `new key ${thumbprint}, signed by the one before\nnext: systemctl restart wayside`,
  });
}
