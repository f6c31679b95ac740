import { randomUUID } from 'node:crypto';
import { createClockReader } from '../../contract/clock.ts';
import { readMessage } from '../../contract/messages/heard.ts';
import type { ModelDesiredMessage } from '../../contract/messages/model-desired.ts';
import { groupTopic, topicOf } from '../../contract/messages/topics.ts';
import { type Body, Messenger } from '../../contract/messenger.ts';
import { Publisher } from '../../contract/mqtt/publisher.ts';
import { brokerOptions } from '../../contract/mqtt/settings.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { LoadedAgentConfig } from './config/load.ts';

type Report = Body<'model-report'>;

/** RabbitMQ keeps retained messages on one node and gives none to subscribers with a wildcard. */
const REPEAT_MS = 600_000;
/** Progress, measures and counts are told at most so often; a new state at once. */
const PROGRESS_MS = 10_000;
/** An office that sends a box its job again has not heard how it stands. */
const ANSWER_MS = 1000;

/** What is told at once when it changes. */
function headline({ progress: _progress, evidence: _evidence, served, reason, ...rest }: Report): string {
  return JSON.stringify({ ...rest, code: reason?.code, serves: (served ?? 0) > 0 });
}

/** The agent's own connection to the broker: jobs come in, the report goes out. It leaves no last will: whether the box is there, the daemon says. */
export class AgentUplink {
  readonly #publisher: Publisher;
  readonly #messenger: Messenger;
  #report: () => Report;
  #headline = '';
  #details = '';
  #later: NodeJS.Timeout | undefined;
  #repeat: NodeJS.Timeout | undefined;
  #answer: NodeJS.Timeout | undefined;

  constructor(loaded: LoadedAgentConfig, hear: (job: ModelDesiredMessage) => void, report: () => Report, log: Log) {
    const { site, box, groups, mqtt } = loaded.config;
    this.#report = report;
    this.#messenger = new Messenger({
      site,
      box,
      session: randomUUID(),
      clock: createClockReader(log),
      telemetrySeconds: 60,
    });
    const broker = brokerOptions(mqtt, loaded.mqttSecrets, `wayside-${site}-${box}-agent`);
    this.#publisher = new Publisher(
      broker,
      () => undefined,
      log,
      undefined,
      topicOf(this.#messenger.root, 'model-report'),
    );
    this.#messenger.attach(this.#publisher);
    this.#messenger.retain('model-report', () => this.#report());
    const own = topicOf(this.#messenger.root, 'model-desired');
    const topics = [own, ...groups.map((group) => groupTopic(site, group))];
    for (const topic of topics) {
      this.#publisher.subscribe(topic, ({ payload }) => {
        try {
          const job = readMessage('model-desired', Buffer.from(payload));
          if (job === undefined) return;
          // Many boxes have answered the job of a group before it came: who did not is asked by itself.
          const asked = topic === own && job.job <= this.#report().job;
          if (asked) this.#answer ??= setTimeout(() => this.#publish(), ANSWER_MS);
          hear(job);
        } catch (cause) {
          log.warn({ code: 'JOB_INVALID', topic, reason: messageOf(cause).slice(0, 500) }, 'a job breaks the contract');
        }
      });
    }
  }

  start(): void {
    this.#publisher.start();
    this.#repeat = setInterval(() => this.#publish(), REPEAT_MS);
  }

  /** Something may have changed: a new state is published at once, progress now and then. */
  changed(): void {
    const report = this.#report();
    if (headline(report) !== this.#headline) this.#publish();
    else if (JSON.stringify(report) !== this.#details) this.#later ??= setTimeout(() => this.#publish(), PROGRESS_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#repeat);
    clearTimeout(this.#later);
    clearTimeout(this.#answer);
    await this.#publisher.stop();
  }

  #publish(): void {
    clearTimeout(this.#later);
    clearTimeout(this.#answer);
    this.#later = undefined;
    this.#answer = undefined;
    const report = this.#report();
    this.#headline = headline(report);
    this.#details = JSON.stringify(report);
    this.#messenger.repeat('model-report');
  }
}
