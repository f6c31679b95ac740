import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Publisher } from '../../../contract/mqtt/publisher.ts';
import { freePort } from '../../support/mosquitto.ts';
import { QuietBroker } from '../../support/quiet-broker.ts';
import { until } from '../../support/until.ts';

const NOBODY = { username: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined };
const log = pino({ level: 'silent' });

describe('Publisher', () => {
  let broker: QuietBroker;
  let publisher: Publisher;
  beforeEach(async () => {
    const port = await freePort();
    broker = new QuietBroker(port);
    await broker.open();
    publisher = new Publisher(
      { url: `mqtt://127.0.0.1:${port}`, clientId: 'box', keepaliveSeconds: 5, ...NOBODY },
      () => ({ topic: 'state', payload: 'lost' }),
      log,
    );
  });
  afterEach(async () => {
    await publisher.stop();
    await broker.close();
  });
  const connected = (): Promise<true> => until('the connection', () => publisher.status().connected);
  const retains = (topic: string, payload: string): Promise<true> =>
    until(`${topic} to hold ${payload}`, () => broker.retained.get(topic) === payload);

  it('falls back to MQTT 3.1.1 at once where the broker refuses 5', async () => {
    publisher.start();
    await connected();
    expect(publisher.status()).toMatchObject({ protocol: 4, reconnects: 0 });
  });

  it('says the present at every connection, not what was true when it was set', async () => {
    let present = 'first';
    publisher.retain('info', () => present);
    publisher.start();
    await retains('info', 'first');
    present = 'second';
    await broker.close();
    await until('the loss', () => !publisher.status().connected);
    await broker.open();
    await retains('info', 'second');
    expect(publisher.status().reconnects).toBe(1);
  });

  it('drops and counts what cannot be sent now, and never sends it later', async () => {
    expect(publisher.send('detections', '{}', 5)).toBe(false);
    publisher.retain('info', () => 'here');
    publisher.start();
    await retains('info', 'here');
    expect(publisher.status().dropped).toBe(1);
    expect(broker.heard).not.toContain('detections');
    expect(publisher.send('detections', '{}', 5)).toBe(true);
    await until('the message', () => broker.heard.includes('detections'));
  });

  it('bounds what waits for a connection that does not keep up', async () => {
    publisher.start();
    await connected();
    const large = 'x'.repeat(1 << 20);
    let sent = 0;
    while (publisher.send('detections', large, 5)) sent++;
    expect(sent).toBeLessThanOrEqual(64);
    expect(publisher.status().dropped).toBe(1);
    await until('the socket to be free again', () => publisher.send('detections', '{}', 5));
  });

  it('removes a retained topic, also one that went while there was no connection', async () => {
    publisher.retain('camera', () => 'live');
    publisher.start();
    await retains('camera', 'live');
    publisher.clear('camera');
    await retains('camera', '');
  });

  it('says goodbye itself: no last will after a clean end', async () => {
    publisher.retain('state', () => 'online');
    publisher.start();
    await retains('state', 'online');
    publisher.retain('state', () => 'offline');
    await publisher.stop();
    await retains('state', 'offline');
    expect([...broker.retained.values()]).not.toContain('lost');
  });

  it('leaves the last will where the broker does not confirm the last state in time', async () => {
    await broker.close();
    const port = await freePort();
    broker = new QuietBroker(port, { holds: (topic) => topic === 'info' });
    await broker.open();
    publisher = new Publisher(
      { url: `mqtt://127.0.0.1:${port}`, clientId: 'box', keepaliveSeconds: 5, ...NOBODY },
      () => ({ topic: 'state', payload: 'lost' }),
      log,
    );
    publisher.retain('info', () => 'here');
    publisher.start();
    await connected();
    await publisher.stop(100);
    await retains('state', 'lost');
  });

  it('hears what it listens to, and only that, also after the broker was gone', async () => {
    const heard: string[] = [];
    publisher.retain('info', () => 'here');
    const end = publisher.subscribe('command/+', ({ topic, payload }) => heard.push(`${topic} ${payload}`));
    publisher.subscribe('model/desired', ({ topic }) => heard.push(topic));
    publisher.start();
    await retains('info', 'here'); // asked for before it: MQTT is in order
    await broker.say('command/status', { id: 1 });
    await broker.say('command/status/more', { id: 2 });
    await broker.say('model/desired', { job: 3 });
    await until('both', () => heard.length === 2);
    expect(heard).toEqual(['command/status {"id":1}', 'model/desired']);

    await broker.close();
    await until('the loss', () => !publisher.status().connected);
    await broker.open();
    await retains('info', 'here');
    end();
    publisher.retain('info', () => 'ended');
    await retains('info', 'ended');
    await broker.say('command/status', { id: 4 });
    await broker.say('model/desired', { job: 5 });
    await until('the next', () => heard.length === 3);
    expect(heard[2]).toBe('model/desired');
  });
});
