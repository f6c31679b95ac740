import { statfs } from 'node:fs/promises';
import { arch } from 'node:os';
import type { ModelDesiredMessage } from '../../contract/messages/model-desired.ts';
import { WaysideError } from '../../core/errors.ts';
import { diskFiles } from '../../core/file-system.ts';
import type { Log } from '../../core/log.ts';
import { ModelStore } from '../store/model-store.ts';
import { Agent } from './agent.ts';
import type { LoadedAgentConfig } from './config/load.ts';
import { windowOpensAt } from './config/windows.ts';
import { DaemonSocket } from './daemon-socket.ts';
import { reportOf } from './report.ts';
import { Repositories } from './repositories.ts';
import { startTriggers } from './triggers.ts';
import { inTurn } from './turn.ts';
import { AgentUplink } from './uplink.ts';
import type { Settings } from './work.ts';

const MB = 1e6;

/** What the agent is, for as long as it runs: its trial and its store hang on them. */
const FIXED = ['model', 'store', 'socket'] as const;

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

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Everything that decides about the connection to the broker and the topics on it. */
const connectionOf = ({ config: { site, box, groups, mqtt }, mqttSecrets }: LoadedAgentConfig): unknown => {
  const { password, ca, cert, key } = mqttSecrets;
  return [site, box, groups, mqtt, password, ...[ca, cert, key].map((pem) => pem?.toString('latin1'))];
};

const repositoryOf = ({ config, repositoryAuthority }: LoadedAgentConfig): unknown => [
  config.repository,
  config.download,
  config.usb,
  repositoryAuthority,
];

/** The agent with all that it is connected to, and what of it another configuration changes while it works. */
export class AgentService {
  readonly #log: Log;
  readonly #spreadMs: number;
  readonly #agent: Agent;
  readonly #socket: DaemonSocket;
  #loaded: LoadedAgentConfig;
  #repositories: Repositories;
  #uplink: AgentUplink;
  #endTriggers: () => void = () => {};
  /** When the agent last took or ended a step, or moved within one, ms of `performance.now()`. */
  movedAt = performance.now();

  /** @param spreadMs within which who follows asks for the first time */
  constructor(loaded: LoadedAgentConfig, log: Log, spreadMs: number) {
    const { store, model, socket } = loaded.config;
    this.#loaded = loaded;
    this.#log = log;
    this.#spreadMs = spreadMs;
    this.#repositories = new Repositories(loaded);
    const tools = {
      store: new ModelStore(diskFiles, store, model),
      files: diskFiles,
      repository: (source: Parameters<Repositories['open']>[0]) => this.#repositories.open(source),
      tell: (message: Parameters<DaemonSocket['send']>[0]) => this.#socket.send(message),
      freeBytes: async () => {
        const { bavail, bsize } = await statfs(store);
        return bavail * bsize;
      },
      now: Date.now,
      clock: () => performance.now(),
      log,
    };
    this.#agent = new Agent(tools, settingsOf(loaded), () => {
      this.movedAt = performance.now();
      this.#uplink.changed();
    });
    const agent = this.#agent;
    const heard = {
      onMessage: (message: Parameters<Agent['hearDaemon']>[0]) => agent.hearDaemon(message),
      onGone: () => agent.daemonGone(),
    };
    this.#socket = new DaemonSocket(socket, heard, log);
    this.#uplink = this.#newUplink(loaded);
  }

  /** @throws {WaysideError} STORE_FORMAT, FILE_WRITE_FAILED, LISTEN_FAILED */
  async start(): Promise<void> {
    await this.#agent.start();
    await this.#socket.open();
    this.#uplink.start();
    this.#startTriggers();
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#agent.run(signal);
  }

  /**
   * Goes on under another configuration. What it leaves as it is goes on undisturbed: a trial by the limits that it began with, the
   * connection to the broker, the quota of the day. A download goes on from where it is.
   *
   * @throws {WaysideError} CONFIG_INVALID where it says what only a restart changes; nothing is changed then
   */
  async reload(next: LoadedAgentConfig): Promise<void> {
    const before = this.#loaded;
    const fixed = FIXED.filter((key) => before.config[key] !== next.config[key]);
    if (fixed.length > 0)
      throw new WaysideError('CONFIG_INVALID', {
        message: `${fixed.map((key) => `\`${key}\``).join(', ')} cannot change while the agent runs: ${fixed.map((key) => before.config[key]).join(', ')} in use`,
        hint: '`systemctl restart wayside-agent` changes it, and cuts off a trial that is under way',
      });
    this.#loaded = next;
    const repositories = this.#repositories;
    const elsewhere = !same(repositoryOf(before), repositoryOf(next));
    if (elsewhere) this.#repositories = new Repositories(next);
    this.#agent.configure(settingsOf(next));
    if (elsewhere) {
      await repositories.close();
      this.#startTriggers();
    }
    const reconnect = !same(connectionOf(before), connectionOf(next));
    if (reconnect) {
      await this.#uplink.stop();
      this.#uplink = this.#newUplink(next);
      this.#uplink.start();
    } else this.#uplink.changed();
    this.#log.info({ reconnect, repository: elsewhere }, 'configuration reloaded');
  }

  async stop(): Promise<void> {
    this.#endTriggers();
    await this.#socket.close();
    await this.#uplink.stop();
    await this.#repositories.close();
  }

  /** One line for `systemctl status`. */
  get summary(): string {
    const { step } = this.#agent.state;
    if (step === undefined) return 'starting';
    return 'do' in step ? step.do : `waits for ${step.wait}`;
  }

  #startTriggers(): void {
    this.#endTriggers();
    this.#endTriggers = startTriggers(this.#loaded.config, this.#spreadMs, (source) => this.#agent.discover(source));
  }

  #newUplink(loaded: LoadedAgentConfig): AgentUplink {
    const report = () => {
      const { model, groups, tags } = this.#loaded.config;
      return reportOf(this.#agent.state, model, { groups, tags, architecture: arch() });
    };
    const { box } = loaded.config;
    const hear = (job: ModelDesiredMessage): void => this.#agent.hearJob(inTurn(job, box, Date.now()));
    return new AgentUplink(loaded, hear, report, this.#log);
  }
}
