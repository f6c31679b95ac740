import { Command, Option } from 'commander';
import { WaysideError } from '../../core/errors.ts';
import type { MediaQuestion } from '../../daemon/probe/onvif/media.ts';
import { boxOptions } from '../init/flags.ts';
import type { Initialized, InitOptions } from '../init/initialize.ts';
import { type Context, running } from '../running.ts';

interface Options extends InitOptions {
  readonly start?: true;
}

export function initCommand(): Command {
  const command = new Command('init')
    .summary('configure a box: asks, tries, writes')
    .description(
      'Writes the configuration of a box to /etc/wayside, after trying the broker and every camera. On a terminal it asks for what is not given; elsewhere it takes options, or a file of answers. Where anything is wrong, nothing is written.',
    );
  for (const option of boxOptions()) command.addOption(option);
  return command
    .addOption(new Option('--answers <file>', 'YAML with the same by other names: docs/reference/init.md'))
    .addOption(new Option('--write-answers <file>', 'leave such a file behind'))
    .addOption(new Option('--no-probe', 'do not ask the broker and the cameras: the box will stand elsewhere'))
    .addOption(new Option('--root <dir>', 'write below another root: for an image of a box').default('/'))
    .addOption(new Option('--force', 'replace a configuration; a copy is kept beside it'))
    .addOption(new Option('--start', 'enable and start the services'))
    .action(running(init));
}

async function init({ signal, report, note }: Context, options: Options): Promise<void> {
  const [{ initialize }, { booted, startServices }] = await Promise.all([
    import('../init/initialize.ts'),
    import('../init/start.ts'),
  ]);
  if (options.start && (options.root !== '/' || !booted())) {
    throw new WaysideError('USAGE', {
      message: '--start: expected a system that systemd has booted, found another root, or none that it has',
    });
  }
  const interview = process.stdin.isTTY && process.stderr.isTTY ? await onTerminal(options, signal) : undefined;
  const done = await initialize(options, { signal, tell: note, ...(interview && { interview }) });
  const units = ['wayside', ...(done.root === null ? [] : ['wayside-agent'])];
  if (options.start) await startServices(units);
  report({
    document: { ...done, found: withoutBytes(done), started: options.start === true },
    text: await textOf(done, options, units),
  });
}

async function onTerminal({ probe }: Options, signal: AbortSignal) {
  const [{ Interview }, { Prompter }, { Prober }] = await Promise.all([
    import('../init/interview.ts'),
    import('../init/prompter.ts'),
    import('../../daemon/probe/prober.ts'),
  ]);
  const prober = await Prober.create();
  const onvif = {
    discover: () => prober.ask('cameras', {}, signal),
    streams: (question: MediaQuestion) => prober.ask('streams', question, signal),
  };
  return new Interview(new Prompter(), onvif, probe);
}

const withoutBytes = ({ found }: Initialized) => {
  const { root, ...rest } = found;
  return { ...rest, root: root === null ? null : { digest: root.digest, expires: root.expires } };
};

async function textOf(done: Initialized, options: Options, units: readonly string[]): Promise<string> {
  const { brokerText, cameraText } = await import('../init/verify.ts');
  const { site, box, folder, backup, identity, root, found, notes } = done;
  const next = options.start
    ? 'started; watch it with: systemctl status wayside'
    : `next: systemctl enable ${units.join(' ')} && systemctl restart ${units.join(' ')}`;
  return [
    `${site}/${box}: configured in ${folder}`,
    ...(found.broker === null ? [] : [`broker     ${brokerText(found.broker)}`]),
    ...found.cameras.flatMap(({ id, facts }) => (facts === null ? [] : [`camera     ${id}: ${cameraText(facts)}`])),
    ...(root === null ? [] : [`updates    first root ${root}`]),
    `identity   ${identity.thumbprint}${identity.made ? '' : ', as before'}`,
    ...(backup === null ? [] : [`before     kept in ${backup}, secrets included`]),
    ...notes.map((each) => `note: ${each}`),
    ...(options.root === '/' ? [next] : []),
  ].join('\n');
}
