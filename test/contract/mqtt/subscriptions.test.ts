import { pino } from 'pino';
import { expect, it } from 'vitest';
import { attempt } from '../../../contract/mqtt/attempt.ts';
import type { Connection } from '../../../contract/mqtt/connection.ts';
import { Hearing } from '../../../contract/mqtt/hearing.ts';
import { Publisher } from '../../../contract/mqtt/publisher.ts';
import { Subscriptions } from '../../../contract/mqtt/subscriptions.ts';
import { freePort } from '../../support/mosquitto.ts';
import { QuietBroker } from '../../support/quiet-broker.ts';
import { until } from '../../support/until.ts';

it('a subscription that the broker loses on a connection that lives is asked for again', async () => {
  const port = await freePort();
  const broker = new QuietBroker(port);
  await broker.open();
  const subscriptions = new Subscriptions(pino({ level: 'silent' }), { firstMs: 300 });
  const heard: string[] = [];
  subscriptions.add('jobs/a', ({ payload }) => heard.push(payload.toString()));
  const nothing = { username: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined };
  const options = { url: `mqtt://127.0.0.1:${port}`, clientId: 'box', keepaliveSeconds: 60, ...nothing };
  let connection: Connection | undefined;
  attempt(options, 4, undefined, {
    onConnected: (made) => {
      connection = made;
      subscriptions.connected(made);
    },
    onClosed: () => undefined,
  });
  try {
    await until('the subscription', async () => {
      await broker.say('jobs/a', { n: 1 });
      return heard.length > 0;
    });
    await broker.forgetSubscriptions();
    await broker.say('jobs/a', { n: 2 });
    await until('what is retained, which is sent with every subscription', () => heard.includes('{"n":2}'));
    const before = heard.length;
    await broker.say('jobs/a', { n: 3 });
    await until('what is said after it', () => heard.slice(before).includes('{"n":3}'));
  } finally {
    subscriptions.disconnected();
    await connection?.endCleanly(1000);
    await broker.close();
  }
  expect(heard[0]).toBe('{"n":1}');
});

it('a connection on which nothing is delivered any more is given up, unless nothing ever was', async () => {
  const port = await freePort();
  const broker = new QuietBroker(port, { swallows: (topic) => topic === 'box/swallowed' });
  await broker.open();
  const nothing = { username: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined };
  let echoes = 0;
  const openAs = async (topic: string) => {
    const subscriptions = new Subscriptions(pino({ level: 'silent' }), { firstMs: 60_000 });
    subscriptions.add('box/+', () => echoes++);
    const hearing = new Hearing(topic, pino({ level: 'silent' }), 200);
    const options = { url: `mqtt://127.0.0.1:${port}`, clientId: topic, keepaliveSeconds: 60, ...nothing };
    let closed = false;
    const onClosed = (): void => {
      closed = true;
    };
    const connection = await new Promise<Connection>((resolve) => {
      attempt(options, 4, undefined, { onConnected: resolve, onClosed });
    });
    subscriptions.connected(connection);
    hearing.connected(connection);
    const say = (): Promise<void> =>
      new Promise((resolve) => {
        connection.publish({ topic, payload: '{}', qos: 1, retain: true }, () => resolve());
        hearing.sent(topic);
      });
    return { say, connection, subscriptions, isClosed: () => closed };
  };
  const [hears, never] = [await openAs('box/report'), await openAs('box/swallowed')];
  await until('it to hear itself', async () => {
    await hears.say();
    await never.say();
    return echoes > 0;
  });
  expect(hears.isClosed()).toBe(false);
  await broker.forgetSubscriptions();
  await hears.say();
  await never.say();
  await until('the deaf connection to end', () => hears.isClosed());
  expect(never.isClosed()).toBe(false);
  for (const each of [hears, never]) each.subscriptions.disconnected();
  await never.connection.endCleanly(1000);
  await broker.close();
});

it('a client that may not hear itself connects once more, and goes on', async () => {
  const port = await freePort();
  const broker = new QuietBroker(port, { endsOver: (topic) => topic === 'box/report' });
  await broker.open();
  const nothing = { username: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined };
  const options = { url: `mqtt://127.0.0.1:${port}`, clientId: 'box', keepaliveSeconds: 60, ...nothing };
  const publisher = new Publisher(options, () => undefined, pino({ level: 'silent' }), undefined, 'box/report');
  const heard: string[] = [];
  publisher.subscribe('jobs/a', ({ payload }) => heard.push(payload.toString()));
  publisher.start();
  try {
    await until('the second connection', () => broker.connections === 2);
    await until('a job on it', async () => {
      await broker.say('jobs/a', { n: 1 });
      return heard.length > 0;
    });
    publisher.retain('box/report', () => '{}');
    await until('its report', () => broker.retained.has('box/report'));
    expect([broker.connections, publisher.status().connected]).toEqual([2, true]);
  } finally {
    await publisher.stop();
    await broker.close();
  }
});

it('where a broker ends connections over subscriptions of quality 1, as RabbitMQ does whose node is gone, 0 is asked for', async () => {
  const port = await freePort();
  let gone = false;
  const broker = new QuietBroker(port, { endsOver: (_topic, qos) => gone && qos === 1 });
  await broker.open();
  const nothing = { username: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined };
  const url = `mqtt://127.0.0.1:${port}`;
  const backoff = { firstMs: 10, longestMs: 20 };
  const options = { url, clientId: 'box', keepaliveSeconds: 60, ...nothing, backoff };
  const publisher = new Publisher(options, () => undefined, pino({ level: 'silent' }), undefined, 'box/report');
  const heard: string[] = [];
  publisher.subscribe('jobs/a', ({ payload }) => heard.push(payload.toString()));
  publisher.retain('box/report', () => '{}');
  publisher.start();
  const hears = async (n: number): Promise<void> => {
    await until(`job ${n}`, async () => {
      await broker.say('jobs/a', { n });
      return heard.includes(JSON.stringify({ n }));
    });
  };
  try {
    await hears(1);
    gone = true;
    const before = broker.connections;
    broker.cut();
    await hears(2);
    expect(broker.connections - before, 'one for each quality').toBe(2);
    gone = false;
    broker.cut();
    await hears(3);
    expect(broker.connections - before, 'quality 1 is asked for first').toBe(3);
  } finally {
    await publisher.stop();
    await broker.close();
  }
});
