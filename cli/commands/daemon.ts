import { Command, Option } from 'commander';
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
    .addOption(new Option('--check', 'check the configuration and its secrets, then end'))
    .action(running(serve, { serves: true }));
}

async function serve({ signal, report }: Context, { config, check }: DaemonOptions): Promise<void> {
  if (check) {
    const { loadConfig } = await import('../../daemon/config/load.ts');
    const { config: found, digest } = await loadConfig(config);
    const cameras = found.cameras.map(({ id }) => id);
    const document = { config, digest, site: found.site, box: found.box, cameras, broker: found.mqtt.url };
    report({ document, text: `${config} is valid: ${found.site}/${found.box}, cameras ${cameras.join(', ')}` });
    return;
  }
  const { runDaemon } = await import('../../daemon/main.ts');
  const started = performance.now();
  await runDaemon(config, { signal });
  const seconds = (performance.now() - started) / 1000;
  report({ document: { config, seconds }, text: `ended after ${duration(seconds)}` });
}
