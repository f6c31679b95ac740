import { Command, Option } from 'commander';
import { Exit, SeveralErrors } from '../../core/errors.ts';
import { duration } from '../format.ts';
import { type Context, running } from '../running.ts';

interface DaemonOptions {
  readonly config: string;
  readonly check?: true;
  readonly wait?: true;
  readonly reload?: true;
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
    .addOption(new Option('--wait', 'where there is no usable configuration, wait for one instead of ending'))
    .addOption(
      new Option(
        '--reload',
        'for ExecReload= of a unit: have the running daemon read its configuration again, and end as that ended',
      ),
    )
    .action(running(serve, { serves: true }));
}

async function serve({ signal, report }: Context, { config, check, wait, reload }: DaemonOptions): Promise<void> {
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
  if (reload) {
    const { requestReload } = await import('../../core/config/reload-outcome.ts');
    await requestReload({ signal, unit: 'wayside' });
    report({ document: { config, reloaded: true }, text: `${config} is in use` });
    return;
  }
  const { runDaemon } = await import('../../daemon/main.ts');
  const started = performance.now();
  if (!wait || (await awaited(config, signal))) await runDaemon(config, { signal, withoutModel: wait ?? false });
  const seconds = (performance.now() - started) / 1000;
  report({ document: { config, seconds }, text: `ended after ${duration(seconds)}` });
}

async function awaited(file: string, signal: AbortSignal): Promise<boolean> {
  const [{ awaitConfig }, { createServiceLog }, { createNotifier }, { loadConfig }] = await Promise.all([
    import('../../core/config/await-config.ts'),
    import('../../core/journal/service-log.ts'),
    import('../../core/notify.ts'),
    import('../../daemon/config/load.ts'),
  ]);
  const log = createServiceLog('wayside');
  return await awaitConfig(() => loadConfig(file), { signal, log, notifier: createNotifier(log) });
}
