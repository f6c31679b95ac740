import { Command, Option } from 'commander';
import { Exit } from '../../../core/error-codes.ts';
import type { Paint, Style } from '../../../core/terminal/colour.ts';
import type { DoctorDocument } from '../../../daemon/doctor/document.ts';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';

interface DoctorOptions {
  readonly config: string;
  readonly agentConfig: string;
  readonly strict?: true;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('check a box, and say what to do about what is wrong')
    .description(
      'Checks a box from its files to its cameras: configuration, versions, permissions, units, clock, temperature, memory, disk, decoder, model, ' +
        'every camera by decoding it for some seconds, the broker by a message sent and read back, the repository of updates. Says what was seen and a ' +
        'remedy for each fault. Changes nothing. Run it as root: what is foreign is then read as the user wayside. Ends with 1 where something fails; ' +
        'warnings alone end with 0.',
    )
    .addOption(new Option('-c, --config <file>', 'configuration of the daemon').default('/etc/wayside/wayside.yaml'))
    .addOption(new Option('--agent-config <file>', 'that of the update agent').default('/etc/wayside/agent.yaml'))
    .addOption(new Option('--strict', 'end with 1 for warnings too'))
    .action(running(doctor));
}

async function doctor(
  { signal, report, onProgress, paint }: Context,
  { config, agentConfig, strict }: DoctorOptions,
): Promise<void> {
  const { examineBox } = await import('../../../daemon/doctor/doctor.ts');
  const document = await examineBox({
    config,
    agentConfig,
    signal,
    onCheck: (title, done, of) => onProgress({ stage: title, done, total: of }),
  });
  const { failure, warning } = document.counts;
  const exit = failure > 0 || (strict === true && warning > 0) ? Exit.failed : Exit.ok;
  report({ document, text: textOf(document, paint), exit });
}

const MARKS = {
  ok: ['green', 'ok'],
  skipped: ['dim', 'skipped'],
  warning: ['yellow', 'warning'],
  failure: ['red', 'failure'],
} as const satisfies Record<string, readonly [Style, string]>;

/** One line a finding, and beneath those that are not well what to do. */
function textOf({ findings, counts }: DoctorDocument, paint: Paint): string {
  const rows = findings.map(({ status, check, subject, seen }) => [
    MARKS[status][1],
    subject === null ? check : `${check}: ${subject}`,
    seen.replaceAll(/\s*\n\s*/g, ' '),
  ]);
  const lines = table(rows).split('\n');
  const shown = findings.flatMap(({ status, remedy }, index) => {
    const [style, word] = MARKS[status];
    const line = (lines[index] ?? '').replace(word, paint(style, word));
    return remedy === null ? [line] : [line, `         ${paint('cyan', 'remedy:')} ${remedy}`];
  });
  const { ok, skipped, warning, failure } = counts;
  const sum = `ok: ${ok}, skipped: ${skipped}, warnings: ${warning}, failures: ${failure}`;
  return [...shown, '', paint('bold', sum)].join('\n');
}
