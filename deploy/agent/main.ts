import { statfs } from 'node:fs/promises';
import { arch } from 'node:os';
import { diskFiles } from '../../core/file-system.ts';
import { createServiceLog } from '../../core/journal/service-log.ts';
import type { Log } from '../../core/log.ts';
import { createNotifier } from '../../core/notify.ts';
import { ModelStore } from '../store/model-store.ts';
import { Agent } from './agent.ts';
import { type LoadedAgentConfig, loadAgentConfig } from './config/load.ts';
import { windowOpensAt } from './config/windows.ts';
import { DaemonSocket } from './daemon-socket.ts';
import { reportOf } from './report.ts';
import { Repositories } from './repositories.ts';
import { startTriggers } from './triggers.ts';
import { AgentUplink } from './uplink.ts';
import type { Settings, Tools } from './work.ts';

interface RunAgentOptions {
  /** Ends the agent as SIGTERM does. */
  readonly signal: AbortSignal;
  /** @default one JSON line an event on stderr */
  readonly log?: Log;
  /** The first question of who follows comes within so long: a city that gets its power back must not ask at once. @default 60000 */
  readonly spreadMs?: number;
}

const MB = 1e6;
/** Of the watchdog's sign of life and `STATUS=`. */
const NOTIFY_MS = 5000;
/** A step that makes no progress for so long is stuck. The longest that says nothing is one look at a large package on a slow disk. */
const STUCK_MS = 15 * 60_000;

function settingsOf({ config }: LoadedAgentConfig): Settings {
  const { model, reserveMb, promoteWithoutTrial, trial, windows } = config;
  return {
    model,
    reservedBytes: reserveMb * MB,
    promoteWithoutTrial,
    limits: trial.limits,
    blockFrames: trial.blockFrames,
    longestTrialHours: trial.longestHours,
    windowOpensAt: (now) => windowOpensAt(windows, now),
  };
}

/**
 * Runs the agent of a box until it is told to end: fetches models that are wanted and signed, has the daemon try them, and decides.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, CONFIG_INVALID, SECRET_UNREADABLE, STORE_FORMAT, FILE_WRITE_FAILED, LISTEN_FAILED
 */
export async function runAgent(
  configPath: string,
  { signal, log = createServiceLog('wayside-agent'), spreadMs = 60_000 }: RunAgentOptions,
): Promise<void> {
  const loaded = await loadAgentConfig(configPath);
  const { config } = loaded;
  if (process.env['WAYSIDE_LOG'] === undefined) log.level = config.log.level;
  const repositories = new Repositories(loaded);
  const tools: Tools = {
    store: new ModelStore(diskFiles, config.store, config.model),
    files: diskFiles,
    repository: (source) => repositories.open(source),
    tell: (message) => socket.send(message),
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(config.store);
      return bavail * bsize;
    },
    now: Date.now,
    clock: () => performance.now(),
    log,
  };
  const facts = { groups: config.groups, tags: config.tags, architecture: arch() };
  let movedAt = performance.now();
  const agent = new Agent(tools, settingsOf(loaded), () => {
    movedAt = performance.now();
    uplink.changed();
  });
  const socket = new DaemonSocket(
    config.socket,
    { onMessage: (message) => agent.hearDaemon(message), onGone: () => agent.daemonGone() },
    log,
  );
  const uplink = new AgentUplink(
    loaded,
    (job) => agent.hearJob(job),
    () => reportOf(agent.state, config.model, facts),
    log,
  );
  await agent.start();
  await socket.open();
  uplink.start();
  const endTriggers = startTriggers(config, spreadMs, (source) => agent.discover(source));
  const notifier = createNotifier(log);
  const status = (): string => {
    const { step } = agent.state;
    return `STATUS=${step === undefined ? 'starting' : 'do' in step ? step.do : `waits for ${step.wait}`}`;
  };
  const signs = setInterval(() => {
    if (performance.now() - movedAt < STUCK_MS) notifier.notify('WATCHDOG=1', status());
  }, NOTIFY_MS);
  notifier.notify('READY=1', status());
  try {
    await agent.run(signal);
    notifier.notify('STOPPING=1', 'STATUS=ending');
  } finally {
    clearInterval(signs);
    endTriggers();
    await socket.close();
    await uplink.stop();
    await repositories.close();
  }
  log.info('ended');
}
