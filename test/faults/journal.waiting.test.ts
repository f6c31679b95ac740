import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { connect, connectAsync, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UNKNOWN_CLOCK } from '../../contract/clock.ts';
import { Messenger } from '../../contract/messenger.ts';
import { Publisher } from '../../contract/mqtt/publisher.ts';
import { diskFiles } from '../../core/file-system.ts';
import { seededRandom } from '../../core/random.ts';
import { retentionOf } from '../../daemon/journal/retention.ts';
import { RunningJournal } from '../../daemon/journal/running.ts';
import { verifyJournal } from '../../daemon/journal/verify.ts';
import { temporaryFolder } from '../support/folder.ts';
import { collectGarbage } from '../support/garbage.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { describeWith } from '../support/requirements.ts';
import { until } from '../support/until.ts';

const log = pino({ level: 'silent' });
const ROOT = 'wayside/v1/site/box';

/** A box that keeps a journal and says nothing else: messages of the kind `journal-gap` stand for all that are journalled. */
class JournallingBox {
  readonly journal: RunningJournal;
  readonly publisher: Publisher;
  readonly messenger: Messenger;
  taken = 0;

  constructor(folder: string, url: string, { clientId = 'box', username = 'box', password = '' } = {}) {
    const session = randomUUID();
    this.messenger = new Messenger({
      ...{ site: 'site', box: 'box', session, clock: () => UNKNOWN_CLOCK, telemetrySeconds: 10 },
    });
    this.journal = new RunningJournal(folder, {
      ...{ box: 'site/box', retention: retentionOf(64_000_000, 30), log, onWritten: () => undefined },
      gapEntry: ({ from, to, reason }) => this.#entry(from, to, reason),
    });
    const tls = { ca: undefined, cert: undefined, key: undefined };
    this.publisher = new Publisher(
      {
        url,
        clientId,
        keepaliveSeconds: 5,
        backoff: { firstMs: 50, longestMs: 200 },
        username,
        password: password || undefined,
        ...tls,
      },
      () => undefined,
      log,
      { root: ROOT, state: `${ROOT}/state`, session, onForeign: () => undefined, listenMs: 500 },
    );
    this.publisher.carry(this.journal.backlog);
    this.journal.start();
    this.publisher.start();
  }

  say(count: number): void {
    for (let each = 0; each < count; each++) this.journal.append(this.#entry(this.taken, this.taken++, 'memory'));
  }

  async stop(): Promise<void> {
    await this.publisher.stop();
    await this.journal.close();
  }

  #entry(from: number, to: number, reason: 'memory' | 'power-cut' | 'quota' | 'damaged') {
    const body = { from, to, reason, since: null, until: new Date().toISOString() };
    return this.messenger.entry('journal-gap', body, {});
  }
}

interface Arrived {
  readonly id: string;
  readonly journalSeq: number;
  readonly from: number;
}

/** Whoever counts on the messages: connects whenever it can, and throws duplicates away by their id. */
class Centre {
  readonly arrived = new Map<string, Arrived>();
  duplicates = 0;
  readonly #client: MqttClient;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (_topic, payload) => {
      const message = JSON.parse(payload.toString()) as Arrived;
      if (this.arrived.has(message.id)) this.duplicates++;
      this.arrived.set(message.id, message);
    });
  }

  static async start(url: string): Promise<Centre> {
    // A session of its own: what the broker took in for it while it was away comes when it is back.
    const options = { reconnectPeriod: 20, clean: false, clientId: 'centre', username: 'centre' };
    const client = await connectAsync(url, options);
    const centre = new Centre(client);
    await client.subscribeAsync(`${ROOT}/journal/gap`, { qos: 1 });
    return centre;
  }

  get texts(): number[] {
    return [...this.arrived.values()].map(({ from }) => from);
  }

  async stop(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describeWith({ needs: ['mosquitto'] }, 'a journal and its broker', () => {
  const root = temporaryFolder();
  let made = 0;
  let folder: () => string;
  let broker: Mosquitto;
  let box: JournallingBox;
  let centre: Centre;
  beforeEach(async () => {
    const own = `${root()}/${made++}`;
    await mkdir(own);
    folder = () => own;
    const lines = [
      'allow_anonymous true',
      'persistence true',
      `persistence_location ${folder()}/`,
      'autosave_interval 1',
    ];
    broker = await Mosquitto.start(folder(), [...lines, 'autosave_on_changes true', 'max_queued_messages 0']);
    centre = await Centre.start(broker.url);
    box = new JournallingBox(`${folder()}/journal`, broker.url);
  });
  afterEach(async () => {
    await box.stop();
    await centre.stop();
    await broker.stop();
  });

  const settled = (): Promise<unknown> =>
    until('everything to be confirmed', () => box.journal.status().depth === 0, 60_000);

  it('loses nothing while the broker is away, and delivers in order when it is back', async () => {
    box.say(10);
    await settled();
    await broker.stop();
    for (let burst = 0; burst < 20; burst++) box.say(100);
    await until('them to be written', () => box.journal.tip?.journalSeq === 2010);
    const held = (): number => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = held();
    await broker.start();
    await settled();
    await until('all of them', () => centre.arrived.size === 2010);
    expect(centre.texts).toEqual(upTo(2010));
    // Native memory is released some turns after its collection.
    await until('what it had in memory to be let go', () => held() - before < 4_000_000);
  });

  it('loses nothing though the broker is stopped at random fifty times, and repeats only what was not confirmed', async () => {
    const random = seededRandom(5);
    for (let kill = 0; kill < 50; kill++) {
      box.say(20);
      await until('a part of them', () => centre.arrived.size >= box.taken - 20 * (1 + random.below(3)), 60_000);
      await broker.stop();
      await broker.start();
    }
    await settled();
    await until('all of them', () => centre.arrived.size === box.taken, 60_000);
    expect(centre.texts.toSorted((a, b) => a - b)).toEqual(upTo(1000));
  });

  it('outlives its box: what a killed one had taken and written comes from the next', async () => {
    await broker.stop();
    box.say(50);
    await until('them to be written', () => box.journal.tip?.journalSeq === 50);
    await box.stop();
    box = new JournallingBox(`${folder()}/journal`, broker.url);
    await broker.start();
    box.taken = 50;
    box.say(5);
    await until('both', () => centre.arrived.size === 55, 60_000);
    expect([...centre.arrived.values()].map(({ journalSeq }) => journalSeq)).toEqual(upTo(55).map((each) => each + 1));
    expect((await verifyJournal(diskFiles, `${folder()}/journal`)).faults).toEqual([]);
  });

  it('is shared with nobody: a second box waits, with what it takes in memory, until the first is gone', async () => {
    box.say(3);
    await settled();
    const second = new JournallingBox(`${folder()}/journal`, broker.url, { clientId: 'second' });
    await until('the refusal', () => second.journal.status().failing === 'another process writes it');
    await second.stop();
  });

  it('goes on, nothing lost, while another client with the same client id throws it out again and again', async () => {
    const rival = connect(broker.url, { clientId: 'box', reconnectPeriod: 300 });
    rival.on('error', () => undefined); // thrown out by the box: it connects again
    for (let burst = 0; burst < 10; burst++) {
      box.say(20);
      await until('a part of them', () => centre.arrived.size >= box.taken - 100, 60_000);
    }
    await rival.endAsync(true);
    await settled();
    await until('all of them', () => centre.arrived.size === 200);
    expect(centre.texts.toSorted((a, b) => a - b)).toEqual(upTo(200));
  });
});
