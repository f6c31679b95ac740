import { Command, Option } from 'commander';
import { Exit } from '../../../core/error-codes.ts';
import { WaysideError } from '../../../core/errors.ts';
import type { HeadName } from '../../../inference/heads/head.ts';
import type { Verdict } from '../../accept/verdict.ts';
import { decimal, integer, type PixelOptions, pixelOptions } from '../../options/common.ts';
import { headOption } from '../../options/head.ts';
import { type Context, running } from '../../running.ts';
import { verifyCommand } from './verify.ts';

interface AcceptCommandOptions extends PixelOptions {
  readonly config?: string;
  readonly camera?: string;
  readonly model: string;
  readonly head?: HeadName;
  readonly out: string;
  readonly force?: true;
  readonly key?: string;
  readonly limit: number;
  readonly certain?: true;
  readonly require?: readonly string[];
  readonly all?: true;
  readonly rate?: number;
  readonly threads?: number;
}

/** Where the configuration of a box lies, and its key below it. */
const BOX_FOLDER = '/etc/wayside';

export function acceptCommand(): Command {
  return new Command('accept')
    .summary('judge counting by clips with hand counts, and sign the verdict')
    .description(
      'Judges how a detector counts, by clips that were counted by hand, and checks verdicts. `wayside accept CLIPS` is `wayside accept run CLIPS`.',
    )
    .addCommand(runCommand(), { isDefault: true })
    .addCommand(verifyCommand());
}

function runCommand(): Command {
  const command = new Command('run')
    .summary('go through the steps; what is meant where no command is named')
    .description(
      'Goes through eight steps, from volumes by day to classes in bad weather, over clips that were counted by hand, and ends at the first that fails. ' +
        'Writes a signed verdict and a page to look at. Ends with 0 where the model is accepted, with 1 where it is refused.',
    )
    .argument('<clips...>', 'folders of clips with their hand counts (NAME.counts.json), clips, or hand counts')
    .requiredOption('--model <path>', 'detector: folder of a model package, or ONNX file with --head')
    .addOption(headOption())
    .option(
      '--config <file>',
      'classes, rate and lines, as of `wayside count` (default: the lines of each hand count and all road users)',
    )
    .addOption(new Option('--camera <id>', 'of the configuration of a daemon: this camera'))
    .addOption(new Option('--out <folder>', 'for verdict.json, its signature, and index.html').default('acceptance'))
    .addOption(new Option('--force', 'replace the output folder'))
    .addOption(new Option('--key <file>', 'Ed25519, PEM, that signs the verdict (default: the identity of the box)'))
    .addOption(new Option('--limit <percent>', 'largest error of a step').argParser(decimal(0, 100)).default(5))
    .addOption(new Option('--certain', 'the whole 95% interval of a step has to be within its limit'))
    .addOption(new Option('--require <step...>', 'refuse where no clip shows these steps'))
    .addOption(new Option('--all', 'go through all steps, also after one that failed'))
    .addOption(
      new Option(
        '--rate <n>',
        'frames a second to look at, 0 for all (default: that of the configuration, else 10)',
      ).argParser(integer(0, 120)),
    )
    .addOption(new Option('--threads <n>', 'threads for one inference (default: up to 4)').argParser(integer(1, 256)));
  for (const option of pixelOptions()) command.addOption(option);
  return command.action(running(acceptClips));
}

const usage = (message: string, hint: string): WaysideError => new WaysideError('USAGE', { message, hint });
const DEFAULT_RATE = 10;

async function acceptClips(
  { signal, onProgress, report, note }: Context,
  paths: string[],
  options: AcceptCommandOptions,
): Promise<void> {
  if (options.camera !== undefined && options.config === undefined)
    throw usage('--camera is of a configuration', 'name that: --config');
  const [{ identityFiles }, { identityOf }, { readNamedFile }, { STEPS }, { findClips }, { readCountConfig }] =
    await Promise.all([
      import('../../../core/identity/files.ts'),
      import('../../../core/identity/key.ts'),
      import('../../../core/files.ts'),
      import('../../accept/steps.ts'),
      import('../../accept/clips.ts'),
      import('../../count/config.ts'),
    ]);
  const names = STEPS.map(({ name }) => name);
  const unknown = options.require?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw usage(`no step is called ${unknown}`, `there are ${names.join(', ')}`);
  // All that may be wrong is looked at before hours of counting.
  const file = options.key ?? identityFiles(BOX_FOLDER).key;
  const identity = identityOf(await readNamedFile(file), file);
  const { camera } = options;
  const config =
    options.config === undefined ? undefined : await readCountConfig(options.config, { camera, linesNeeded: false });
  const clips = await findClips(paths);
  const { requireFree, writeAcceptance } = await import('../../accept/write.ts');
  if (options.force !== true) await requireFree(options.out);
  const [{ openDetector }, { runContext }, { accept }] = await Promise.all([
    import('../../count/open-detector.ts'),
    import('../../../core/run/context.ts'),
    import('../../accept/accept.ts'),
  ]);
  const { threads } = runContext({ threads: options.threads });
  const opened = await openDetector(options.model, { ...options, threads });
  try {
    const made = await accept(clips, opened, {
      config,
      rate: options.rate ?? config?.rate ?? DEFAULT_RATE,
      limit: options.limit / 100,
      certainty: options.certain === true,
      all: options.all === true,
      required: options.require ?? [],
      identity,
      signal,
      onProgress,
    });
    for (const text of made.warnings) note(`warning: ${text}`);
    await writeAcceptance(options.out, made, options.force === true);
    const { verdict } = made;
    const exit = verdict.verdict === 'accepted' ? Exit.ok : Exit.failed;
    const { verdictText } = await import('../../accept/summary.ts');
    const signed = `${options.out}, signed by ${identity.publicKey.thumbprint}`;
    report({ document: verdict satisfies Verdict, text: `${verdictText(verdict)}\n\n${signed}`, exit });
  } finally {
    await opened.close();
  }
}
