import { Command, Option } from 'commander';
import { type Context, running } from '../../running.ts';
import { openSigners, type SigningOptions, signingOptions } from './signing.ts';
import { stagedText } from './staged-text.ts';

interface SignOptions extends SigningOptions {
  readonly merge?: string;
}

export function signCommand(): Command {
  const command = new Command('sign')
    .summary('sign what is staged')
    .description(
      'Signs what is staged, where the key may. Others sign in their own copy of the folder, on their own machine; --merge takes their signatures over, or copy `staged/signatures` back.',
    )
    .argument('<folder>', 'folder of the repository, or a copy of it')
    .addOption(new Option('--merge <folder>', 'a copy of the folder that somebody else has signed in'));
  for (const option of signingOptions()) command.addOption(option);
  return command.action(running(sign));
}

async function sign({ report }: Context, folder: string, options: SignOptions): Promise<void> {
  const [{ mergeSignatures, signStaged }, { stagedRoles }] = await Promise.all([
    import('../../../deploy/repository/sign.ts'),
    import('../../../deploy/repository/status.ts'),
  ]);
  const { merge } = options;
  const merged = merge === undefined ? [] : await mergeSignatures(folder, merge);
  const signsToo = merge === undefined || options.key !== undefined || options.signer !== undefined;
  const signed: { readonly id: string; readonly roles: readonly string[] }[] = [];
  if (signsToo) {
    const { keyId } = await import('../../../deploy/repository/keys/public-key.ts');
    for (const signer of await openSigners(options)) {
      const { roles } = await signStaged(folder, signer);
      signed.push({ id: keyId(signer.key), roles });
    }
  }
  const staged = await stagedRoles(folder);
  const lines = [
    ...merged.map(({ role, keyId }) => `${role}: signature of ${keyId.slice(0, 12)} taken over`),
    ...signed.map(({ id, roles }) =>
      roles.length === 0 ? `${id.slice(0, 12)} has nothing to sign` : `${id.slice(0, 12)} signed ${roles.join(', ')}`,
    ),
  ];
  report({ document: { signed, merged, staged }, text: [...lines, '', stagedText(staged)].join('\n') });
}
