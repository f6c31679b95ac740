import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { Publisher } from '../../../contract/mqtt/publisher.ts';
import { freePort } from '../../support/mosquitto.ts';
import { QuietBroker, type QuietBrokerOptions } from '../../support/quiet-broker.ts';
import { until } from '../../support/until.ts';

const log = pino({ level: 'silent' });
const STATE = 'box/state';
const own = (session: string, more: object = {}): string => JSON.stringify({ session, ...more });

describe('what a box reads back under MQTT 3.1.1', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  async function start(options: QuietBrokerOptions = {}, foreign: unknown[] = []): Promise<[Publisher, QuietBroker]> {
    const port = await freePort();
    const broker = new QuietBroker(port, options);
    await broker.open();
    const none = { username: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined };
    const publisher = new Publisher(
      { url: `mqtt://127.0.0.1:${port}`, clientId: 'box', keepaliveSeconds: 30, ...none },
      () => ({ topic: STATE, payload: own('mine', { state: 'offline' }) }),
      log,
      { root: 'box', state: STATE, session: 'mine', onForeign: (message) => foreign.push(message), listenMs: 600 },
    );
    publisher.retain(STATE, () => own('mine', { state: 'online' }));
    publisher.start();
    ends.push(
      () => publisher.stop(),
      () => broker.close(),
    );
    await until('the connection', () => publisher.status().connected);
    return [publisher, broker];
  }

  it('names the topic that the broker swallows, and no other', async () => {
    const [publisher] = await start({ swallows: (topic) => topic.endsWith('detections') });
    publisher.send('box/camera/north/detections', own('mine'), 5);
    publisher.send('box/telemetry', own('mine'), 5);
    await until('the refusal', () => publisher.status().refusedTopics.length > 0);
    expect(publisher.status().refusedTopics.map(({ topic }) => topic)).toEqual(['box/camera/north/detections']);
  });

  it('does not take the removal of a topic for refused, which nobody is given', async () => {
    const [publisher, broker] = await start({ swallows: (topic) => topic.endsWith('detections') });
    publisher.clear('box/alarm/camera-stalled');
    await until('the removal', () => broker.heard.includes('box/alarm/camera-stalled'));
    publisher.send('box/camera/north/detections', own('mine'), 5);
    await until('what is refused to be known', () => publisher.status().refusedTopics.length > 0);
    expect(publisher.status().refusedTopics.map(({ topic }) => topic)).toEqual(['box/camera/north/detections']);
  });

  it('claims nothing where nothing can be read', async () => {
    const [publisher, broker] = await start({ swallows: () => true });
    publisher.send('box/telemetry', own('mine'), 5);
    await until('the message', () => broker.heard.includes('box/telemetry'));
    const asked = performance.now();
    await until('the time to listen to be over', () => performance.now() - asked > 1000);
    expect(publisher.status().refusedTopics).toEqual([]);
  });

  it('hears who else writes to the state, and survives what is no message', async () => {
    const foreign: unknown[] = [];
    const [, broker] = await start({}, foreign);
    await until('the state', () => broker.retained.has(STATE));
    await broker.say(STATE, ['no', 'message']);
    await broker.say(STATE, { session: 'theirs' });
    await until('the other', () => foreign.length > 0);
    expect(foreign).toEqual([{ session: 'theirs' }]);
  });
});
