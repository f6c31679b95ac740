import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { Subscriber } from '../../../contract/mqtt/subscriber.ts';
import { freePort } from '../../support/mosquitto.ts';
import { QuietBroker } from '../../support/quiet-broker.ts';
import { until } from '../../support/until.ts';

const log = pino({ level: 'silent' });

describe('someone who only listens', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function listenAt(port: number): Promise<{ subscriber: Subscriber; heard: string[] }> {
    const subscriber = new Subscriber({ url: `mqtt://127.0.0.1:${port}`, clientId: 'listener' }, log);
    const heard: string[] = [];
    subscriber.subscribe('wayside/#', ({ topic, payload }) => heard.push(`${topic} ${payload.toString()}`));
    await subscriber.open();
    closing.push(() => subscriber.close());
    return { subscriber, heard };
  }

  it('hears what its filter names, again where the broker was away meanwhile, and leaves no last will', async () => {
    const port = await freePort();
    const broker = new QuietBroker(port);
    await broker.open();
    const { heard } = await listenAt(port);
    await broker.say('other/a', { n: 0 });
    await broker.say('wayside/a', { n: 1 });
    await until('the first', () => heard.length === 1);
    await broker.close();
    await broker.open();
    closing.push(() => broker.close());
    await until('a message after the broker came back', async () => {
      await broker.say('wayside/b', { n: 2 });
      return heard.length > 1;
    });
    expect(heard.slice(0, 2)).toEqual(['wayside/a {"n":1}', 'wayside/b {"n":2}']);
  });

  it('is another client at each connection: what a broker still tidies up of the one before does not concern it', async () => {
    const port = await freePort();
    const broker = new QuietBroker(port);
    await broker.open();
    closing.push(() => broker.close());
    await listenAt(port);
    await until('the broker to have it', () => broker.connections === 1);
    broker.cut();
    await until('the next connection', () => broker.connections === 2);
    expect(broker.clientIds[0]).toBe('listener');
    expect(broker.clientIds[1]).toMatch(/^listener-\d+$/);
  });

  it('is told why there is no connection, at once', async () => {
    await expect(listenAt(await freePort())).rejects.toThrow(/ECONNREFUSED/);
  });
});
