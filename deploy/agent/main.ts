import { recordReload } from '../../core/config/reload-outcome.ts';
import { asWaysideError, formatError } from '../../core/errors.ts';
import { createServiceLog } from '../../core/journal/service-log.ts';
import type { Log } from '../../core/log.ts';
import { createNotifier, monotonicUsec } from '../../core/notify.ts';
import { type LoadedAgentConfig, loadAgentConfig } from './config/load.ts';
import { AgentService } from './service.ts';

interface RunAgentOptions {
  /** Ends the agent as SIGTERM does. */
  readonly signal: AbortSignal;
  /** @default one JSON line an event on stderr */
  readonly log?: Log;
  /** The first question of who follows comes within so long: a city that gets its power back must not ask at once. @default 60000 */
  readonly spreadMs?: number;
}

/** Of the watchdog's sign of life and `STATUS=`. */
const NOTIFY_MS = 5000;
/** A step that makes no progress for so long is stuck. The longest that says nothing is one look at a large package on a slow disk. */
const STUCK_MS = 15 * 60_000;

/**
 * Runs the agent of a box until it is told to end: fetches models that are wanted and signed, has the daemon try them, and decides.
 * SIGHUP reads the configuration again; one that is refused leaves the old one in use.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, CONFIG_INVALID, SECRET_UNREADABLE, STORE_FORMAT, FILE_WRITE_FAILED, LISTEN_FAILED
 */
export async function runAgent(
  configPath: string,
  { signal, log = createServiceLog('wayside-agent'), spreadMs = 60_000 }: RunAgentOptions,
): Promise<void> {
  const loaded = await loadAgentConfig(configPath);
  setLevel(log, loaded);
  const service = new AgentService(loaded, log, spreadMs);
  const notifier = createNotifier(log);
  let refused = '';
  const status = (): string => `STATUS=${service.summary}${refused}`;

  async function reload(): Promise<void> {
    notifier.notify('RELOADING=1', `MONOTONIC_USEC=${monotonicUsec()}`);
    try {
      const next = await loadAgentConfig(configPath);
      await service.reload(next);
      setLevel(log, next);
      refused = '';
      recordReload(undefined);
    } catch (thrown) {
      const error = asWaysideError(thrown);
      log.error({ code: error.code, reason: error.message, hint: error.hint }, 'the old configuration stays in use');
      const [line = error.code] = formatError(error)
        .replace(/^error /, '')
        .split('\n');
      refused = `; refused: ${line}`;
      recordReload(error);
    }
    notifier.notify('READY=1', status());
  }

  let reloading = Promise.resolve();
  const hangUp = (): void => {
    reloading = reloading.then(reload);
  };
  await service.start();
  process.on('SIGHUP', hangUp);
  const signs = setInterval(() => {
    if (performance.now() - service.movedAt < STUCK_MS) notifier.notify('WATCHDOG=1', status());
  }, NOTIFY_MS);
  notifier.notify('READY=1', status());
  try {
    await service.run(signal);
    notifier.notify('STOPPING=1', 'STATUS=ending');
  } finally {
    clearInterval(signs);
    await reloading;
    process.off('SIGHUP', hangUp);
    await service.stop();
  }
  log.info('ended');
}

/** The environment wins: it is what a person sets to look closer. */
function setLevel(log: Log, { config }: LoadedAgentConfig): void {
  if (process.env['WAYSIDE_LOG'] === undefined) log.level = config.log.level;
}
