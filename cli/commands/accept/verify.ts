import { Command, Option } from 'commander';
import { type Context, running } from '../../running.ts';

interface VerifyOptions {
  readonly key?: string;
}

export function verifyCommand(): Command {
  return new Command('verify')
    .summary('check a verdict: that it is as it was signed, and the page beside it')
    .description(
      'Checks the signature beside a verdict, and that the page beside it is the one that it names. Ends with 0 where it says accepted, with 1 where it says refused.',
    )
    .argument('<verdict>', 'verdict.json, or the folder that it is in')
    .addOption(new Option('--key <file>', 'that signed it: the chain of keys of the box, or a public key in PEM'))
    .action(running(verify));
}

async function verify({ report, note }: Context, path: string, { key }: VerifyOptions): Promise<void> {
  const [{ readAcceptance }, { verdictText }, { boxKeys }, { readNamedFile }, { Exit }] = await Promise.all([
    import('../../accept/write.ts'),
    import('../../accept/summary.ts'),
    import('../../../daemon/journal/checkpoint.ts'),
    import('../../../core/files.ts'),
    import('../../../core/error-codes.ts'),
  ]);
  const keys = key === undefined ? undefined : boxKeys(await readNamedFile(key), key);
  const spki = keys?.map((each) => each.export({ type: 'spki', format: 'der' }).toString('base64'));
  const verdict = await readAcceptance(path, spki);
  if (keys === undefined) note('without --key, who signed the verdict is not known');
  const exit = verdict.verdict === 'accepted' ? Exit.ok : Exit.failed;
  report({ document: verdict, text: `${verdictText(verdict)}\n\nas ${verdict.key.thumbprint} signed it`, exit });
}
