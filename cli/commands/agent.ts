import { Command, Option } from 'commander';
import { Exit, SeveralErrors } from '../../core/errors.ts';
import { duration } from '../format.ts';
import { type Context, running } from '../running.ts';

interface AgentOptions {
  readonly config: string;
  readonly check?: true;
  readonly wait?: true;
  readonly reload?: true;
}

export function agentCommand(): Command {
  return new Command('agent')
    .summary('fetch, try and promote models on a box')
    .description(
      'Keeps the models of a box up to date: takes jobs over MQTT (or follows its repository, or reads a stick), fetches what a threshold of keys has signed, has the daemon try it on live traffic, and promotes it or goes back. SIGTERM ends it; whatever it is at then is gone on with at the next start. SIGHUP reads the configuration again.',
    )
    .addOption(new Option('-c, --config <file>', 'YAML configuration').default('/etc/wayside/agent.yaml'))
    .addOption(
      new Option(
        '--check',
        'check the configuration and the files that it names, say everything that is wrong, then end',
      ),
    )
    .addOption(new Option('--wait', 'where there is no usable configuration, wait for one instead of ending'))
    .addOption(
      new Option(
        '--reload',
        'for ExecReload= of a unit: have the running agent read its configuration again, and end as that ended',
      ),
    )
    .action(running(serve, { serves: true }));
}

async function serve({ signal, report }: Context, { config, check, wait, reload }: AgentOptions): Promise<void> {
  if (check) {
    const { checkAgent } = await import('../../deploy/agent/config/check.ts');
    const { config: found, problems, notes } = await checkAgent(config);
    if (found === undefined || problems.length > 0) throw new SeveralErrors(problems, Exit.config);
    const { site, box, model, groups, repository } = found;
    const document = { config, site, box, model, groups, repository: repository.url, notes };
    const valid = `${config} is valid: ${site}/${box}, model ${model}, repository ${repository.url}`;
    report({ document, text: [valid, ...notes.map((note) => `note: ${note}`)].join('\n') });
    return;
  }
  if (reload) {
    const { requestReload } = await import('../../core/config/reload-outcome.ts');
    await requestReload({ signal, unit: 'wayside-agent' });
    report({ document: { config, reloaded: true }, text: `${config} is in use` });
    return;
  }
  const { runAgent } = await import('../../deploy/agent/main.ts');
  const started = performance.now();
  if (!wait || (await awaited(config, signal))) await runAgent(config, { signal });
  const seconds = (performance.now() - started) / 1000;
  report({ document: { config, seconds }, text: `ended after ${duration(seconds)}` });
}

async function awaited(file: string, signal: AbortSignal): Promise<boolean> {
  const [{ awaitConfig }, { createServiceLog }, { createNotifier }, { loadAgentConfig }] = await Promise.all([
    import('../../core/config/await-config.ts'),
    import('../../core/journal/service-log.ts'),
    import('../../core/notify.ts'),
    import('../../deploy/agent/config/load.ts'),
  ]);
  const log = createServiceLog('wayside-agent');
  return await awaitConfig(() => loadAgentConfig(file), { signal, log, notifier: createNotifier(log) });
}
