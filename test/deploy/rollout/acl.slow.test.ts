import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { MESSAGE_KINDS } from '../../../contract/messages/kinds.ts';
import { groupTopic, officeRoot, rootTopic, topicOf } from '../../../contract/messages/topics.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { RabbitMq } from '../../support/rabbitmq.ts';
import { describeWith } from '../../support/requirements.ts';

const PARAMETERS = { camera: 'gate' };
const OWN = rootTopic('north', 'box-1');
const OTHER = rootTopic('north', 'box-2');
const filled = (root: string, pattern: string): string =>
  `${root}/${pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => PARAMETERS[name as keyof typeof PARAMETERS] ?? 'x')}`;

const kinds = Object.values(MESSAGE_KINDS);
/** What the two users may write, by the contract. */
const WRITTEN_BY_BOX = kinds.filter(({ from }) => from === 'box').map(({ topic }) => filled(OWN, topic));
const JOBS = [topicOf(OWN, 'model-desired'), groupTopic('north', 'roads')];
const WRITTEN_BY_OFFICE = [...JOBS, topicOf(OTHER, 'model-desired'), topicOf(officeRoot('north'), 'rollout')];
const NOT_BY_BOX = [
  ...WRITTEN_BY_OFFICE,
  ...kinds.filter(({ from }) => from === 'box').map(({ topic }) => filled(OTHER, topic)),
];

interface Broker {
  readonly url: string;
}

/** What of some topics arrives at one who listens to everything, when `writer` writes to all of them. */
async function arriving(
  office: MqttClient,
  writer: () => Promise<MqttClient>,
  topics: readonly string[],
  last: string,
): Promise<string[]> {
  const heard: string[] = [];
  const over = new Promise<void>((resolve) => {
    office.on('message', (topic, payload) => {
      if (payload.toString() !== 'written') return;
      heard.push(topic);
      if (topic === last) resolve();
    });
  });
  for (const topic of topics) {
    // RabbitMQ ends the connection over a refused topic: each is tried on its own.
    const client = await writer();
    client.on('error', () => undefined);
    const confirmed = client.publishAsync(topic, 'written', { qos: 1 }).then(
      () => undefined,
      () => undefined, // refused, where the broker says so
    );
    await Promise.race([confirmed, new Promise<void>((resolve) => client.once('close', () => resolve()))]);
    await client.endAsync(true);
  }
  await over;
  office.removeAllListeners('message');
  return heard;
}

/** Whether what the office writes to a topic reaches one who listens to that topic as `reader`. */
async function reads(office: MqttClient, reader: MqttClient, topic: string): Promise<boolean> {
  reader.on('error', () => undefined);
  const closed = new Promise<false>((resolve) => reader.once('close', () => resolve(false)));
  const heard = new Promise<true>((resolve) => {
    reader.on('message', (at, payload) => {
      if (at === topic && payload.toString() === 'read') resolve(true);
    });
  });
  const granted = reader.subscribeAsync(topic, { qos: 1 }).then(
    (grants) => grants.every(({ qos }) => qos < 128),
    () => false,
  );
  const subscribed = await Promise.race([granted, closed]);
  await office.publishAsync(topic, 'read', { qos: 1 });
  if (!subscribed) return false;
  // A broker that grants and does not deliver: what comes after on a topic that may be read comes, and this did not.
  const marker = topicOf(OWN, 'model-desired');
  if (topic !== marker) await reader.subscribeAsync(marker, { qos: 1 });
  const passed = new Promise<false>((resolve) => {
    reader.on('message', (at, payload) => {
      if (at === marker && payload.toString() === 'marker') resolve(false);
    });
  });
  await office.publishAsync(marker, 'marker', { qos: 1 });
  return await Promise.race([heard, passed, closed]);
}

function behaves(broker: () => Broker): void {
  const clients: MqttClient[] = [];
  const as = async (username: string): Promise<MqttClient> => {
    const client = await connectAsync(broker().url, {
      username,
      password: 'secret',
      clientId: `${username}-${clients.length}`,
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true);
  });

  it('a box writes every message of its own, and neither a job, nor the record, nor for another box', async () => {
    const office = await as('office');
    await office.subscribeAsync('wayside/v1/#', { qos: 1 });
    const last = WRITTEN_BY_BOX.at(-1) ?? '';
    const heard = await arriving(office, () => as('box-1'), [...NOT_BY_BOX, ...WRITTEN_BY_BOX], last);
    expect(heard).toEqual(WRITTEN_BY_BOX);
  });

  it('the office writes jobs to boxes and groups, and the record', async () => {
    const office = await as('office');
    await office.subscribeAsync('wayside/v1/#', { qos: 1 });
    const last = WRITTEN_BY_OFFICE.at(-1) ?? '';
    expect(await arriving(office, () => as('office'), WRITTEN_BY_OFFICE, last)).toEqual(WRITTEN_BY_OFFICE);
  });

  it('a box reads its own jobs and those of groups, and nobody else’s', async () => {
    const office = await as('office');
    for (const topic of JOBS) expect(await reads(office, await as('box-1'), topic), topic).toBe(true);
    for (const topic of [
      topicOf(OTHER, 'model-desired'),
      topicOf(OTHER, 'model-report'),
      topicOf(officeRoot('north'), 'rollout'),
    ])
      expect(await reads(office, await as('box-1'), topic), topic).toBe(false);
  });
}

describeWith({ needs: ['mosquitto'] }, 'systemd/broker/mosquitto.acl', () => {
  const folder = temporaryFolder();
  let broker: Mosquitto;
  beforeAll(async () => {
    const acl = join(PACKAGE_ROOT, 'systemd', 'broker', 'mosquitto.acl');
    // Names without passwords: who somebody is, is not what is tested.
    broker = await Mosquitto.start(folder(), ['allow_anonymous true', `acl_file ${acl}`]);
  });
  afterAll(() => broker.stop());
  behaves(() => broker);
});

describeWith({ needs: ['rabbitmq-server'] }, 'systemd/broker/rabbitmq.sh', () => {
  const folder = temporaryFolder();
  let broker: RabbitMq;
  beforeAll(async () => {
    broker = await RabbitMq.start(folder());
    const { env } = broker;
    for (const [kind, user] of [
      ['office', 'office'],
      ['box', 'box-1'],
    ] as const) {
      await promisify(execFile)(env['RABBITMQCTL'] ?? '', ['add_user', user, 'secret'], { env });
      await promisify(execFile)(join(PACKAGE_ROOT, 'systemd', 'broker', 'rabbitmq.sh'), [kind, user], { env });
    }
  }, 120_000);
  afterAll(() => broker.stop());
  behaves(() => broker);
});
