import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { Exit } from '../../../core/error-codes.ts';
import type { DrillReport } from '../../../daemon/drill/report.ts';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';

interface DrillOptions {
  readonly config: string;
  readonly agentConfig: string;
  readonly now?: true;
  readonly restarted?: true;
  readonly only?: readonly string[];
  readonly key?: string;
  readonly out: string;
  readonly spoil?: string;
}

export function drillCommand(): Command {
  return new Command('drill')
    .summary('let things go wrong on a box, and measure how it recovers')
    .description(
      'On a real box, in a maintenance window: kills and stops decoders, inference process, daemon and agent, cuts the connection to the broker, stops the pictures of the cameras, offers a bad model, and ' +
        'measures by the messages of the box when it notices and when every camera detects again. Writes a report signed with the key of the box. ' +
        'Frames are lost meanwhile. Ends with 1 where a limit is exceeded. Run it as root.',
    )
    .addOption(new Option('-c, --config <file>', 'configuration of the daemon').default('/etc/wayside/wayside.yaml'))
    .addOption(new Option('--agent-config <file>', 'that of the update agent').default('/etc/wayside/agent.yaml'))
    .addOption(new Option('--now', 'outside the maintenance windows of the agent too'))
    .addOption(new Option('--only <name...>', 'these exercises alone'))
    .addOption(new Option('--restarted', 'something other than systemd starts daemon and agent again'))
    .addOption(new Option('--key <file>', 'signs the report, PEM (default: the identity of the box)'))
    .addOption(new Option('--out <file>', 'the report; its signature lies beside it in FILE.sig').default('drill.json'))
    .addOption(
      new Option(
        '--spoil <package>',
        'no drill: writes a copy of this package with wrong golden samples to --out, to be signed and rolled out to a box that has to refuse it',
      ),
    )
    .action(running(drill));
}

async function spoil({ report }: Context, from: string, out: string): Promise<void> {
  const { writeBadModel } = await import('../../../daemon/drill/bad-model.ts');
  const { name, version } = await writeBadModel(from, out);
  const text = `${out}: ${name} ${version}, which no box may run; not signed`;
  report({ document: { package: out, name, version }, text });
}

async function drill(context: Context, options: DrillOptions): Promise<void> {
  if (options.spoil !== undefined) return await spoil(context, options.spoil, options.out);
  const { signal, onProgress, report } = context;
  const [{ identityFiles }, { identityOf }, { readNamedFile, writeFileAtomic }, { runDrill }, { signedReport }] =
    await Promise.all([
      import('../../../core/identity/files.ts'),
      import('../../../core/identity/key.ts'),
      import('../../../core/files.ts'),
      import('../../../daemon/drill/drill.ts'),
      import('../../../daemon/drill/report.ts'),
    ]);
  const { config, agentConfig, now, restarted, only, out } = options;
  const file = options.key ?? identityFiles(dirname(resolve(config))).key;
  const identity = identityOf(await readNamedFile(file), file); // before anything is disturbed
  const document = await runDrill({
    config,
    agentConfig,
    now: now === true,
    restarted: restarted === true,
    ...(only === undefined ? {} : { only }),
    signal,
    onExercise: (title, done, total) => onProgress({ stage: title, done, total }),
  });
  const { text, signature } = signedReport(document, identity);
  await writeFileAtomic(out, text);
  await writeFileAtomic(`${out}.sig`, `${signature}\n`);
  const exit = document.passed ? Exit.ok : Exit.failed;
  report({ document, text: `${textOf(document)}\n\n${out}, signed by ${identity.publicKey.thumbprint}`, exit });
}

const secondsText = (value: number | null): string => (value === null ? '-' : `${value.toFixed(1)} s`);

function textOf({ exercises }: DrillReport): string {
  const rows = exercises.map(({ name, status, noticedSeconds, recoveredSeconds, limitSeconds, seen }) => [
    status,
    name,
    secondsText(noticedSeconds),
    secondsText(recoveredSeconds),
    `${limitSeconds} s`,
    seen,
  ]);
  return table([['', 'exercise', 'noticed', 'recovered', 'limit', 'seen'], ...rows]);
}
