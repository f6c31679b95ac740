import { Command, Option } from 'commander';
import { Exit, SeveralErrors } from '../../core/errors.ts';
import { duration } from '../format.ts';
import { type Context, running } from '../running.ts';

interface DaemonOptions {
  readonly config: string;
  readonly check?: true;
}

export function daemonCommand(): Command {
  return new Command('daemon')
    .summary('classify cameras and publish over MQTT')
    .description(
      'Runs the box: cameras in, detections and telemetry out over MQTT. SIGTERM drains and publishes offline, SIGHUP reads the configuration again.',
    )
    .addOption(new Option('-c, --config <file>', 'YAML configuration').default('/etc/wayside/wayside.yaml'))
    .addOption(
      new Option(
        '--check',
        'check all that the start needs (configuration, secrets, certificates, package, decoders), say everything that is wrong, then end',
      ),
    )
    .action(running(serve, { serves: true }));
}

async function serve({ signal, report }: Context, { config, check }: DaemonOptions): Promise<void> {
  if (check) {
    const { checkDaemon } = await import('../../daemon/check/check.ts');
    const { config: found, digest, problems, notes } = await checkDaemon(config);
    if (found === undefined || problems.length > 0) throw new SeveralErrors(problems, Exit.config);
    const cameras = found.cameras.map(({ id }) => id);
    const document = { config, digest, site: found.site, box: found.box, cameras, broker: found.mqtt.url, notes };
    const valid = `${config} is valid: ${found.site}/${found.box}, cameras ${cameras.join(', ')}`;
    report({ document, text: [valid, ...notes.map((note) => `note: ${note}`)].join('\n') });
    return;
  }
  const { runDaemon } = await import('../../daemon/main.ts');
  const started = performance.now();
  await runDaemon(config, { signal });
  const seconds = (performance.now() - started) / 1000;
  report({ document: { config, seconds }, text: `ended after ${duration(seconds)}` });
}
