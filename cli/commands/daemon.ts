import { Command, Option } from 'commander';
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
    .action(running(runDaemon, { serves: true }));
}

async function runDaemon({ signal, report }: Context, { config, check }: DaemonOptions): Promise<void> {
  if (check) {
    const { loadConfig } = await import('../../daemon/config/load.ts');
    const loaded = await loadConfig(config);
    report({ document: { config, valid: true, cameras: loaded.config.cameras.length }, text: `${config} is valid` });
    return;
  }
  const { runDaemon: run } = await import('../../daemon/main.ts');
  await run(config, { signal });
}
