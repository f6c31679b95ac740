import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import type { StateMessage, StateReason } from '../../contract/messages/state.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { Listener } from '../support/listener.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { describeWith } from '../support/requirements.ts';
import { Rig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const reasonOf = ({ reasons }: StateMessage, code: StateReason['code']): StateReason | undefined =>
  reasons.find((each) => each.code === code);

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'two boxes with one name', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
    await rig.working();
  });
  afterAll(() => rig.stop());

  const secondBox = async (mqtt: object): Promise<DaemonProcess> => {
    const config = parse(await readFile(rig.configPath, 'utf8'));
    const path = join(rig.folder, 'second.yaml');
    await writeFile(path, stringify({ ...config, mqtt: { ...config.mqtt, ...mqtt } }));
    return new DaemonProcess(path);
  };

  it.each([
    { what: 'one client id, which throw each other out', mqtt: {} },
    { what: 'client ids of their own', mqtt: { clientId: 'another' } },
  ])('are told, with $what', async ({ mqtt }) => {
    const started = performance.now();
    const second = await secondBox(mqtt);
    try {
      const told = ({ message }: { message: StateMessage }): string | undefined =>
        reasonOf(message, 'id-conflict')?.message;
      const first = await rig.listener.next('state', (message) => told({ message }) !== undefined, {
        after: started,
      });
      expect(told(first)).toContain('on this machine');
      // Written before the state was published, but through another pipe, which may be read later.
      await until('the log to name it', () =>
        (rig.daemon.log + second.log).includes('another box reports under this name'),
      );
    } finally {
      const left = performance.now();
      await second.end();
      const alone = (message: StateMessage): boolean =>
        message.state !== 'offline' && reasonOf(message, 'id-conflict') === undefined;
      await rig.listener.next('state', alone, { after: left });
    }
  });
});

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a box of the same name that comes and goes', () => {
  it('does not leave this one offline with the broker, however soon it comes again', async () => {
    const rig = await Rig.start();
    onTestFinished(() => rig.stop());
    await rig.working();
    const other = await connectAsync(rig.broker.url);
    onTestFinished(() => other.endAsync());
    const mine = await rig.listener.next('state', ({ state }) => state === 'online');
    const goodbye: StateMessage = {
      ...mine.message,
      session: randomUUID(),
      state: 'offline',
      reasons: [{ code: 'stopped', message: 'ended on request' }],
    };
    for (const _time of ['first', 'second']) {
      const left = performance.now();
      await other.publishAsync(mine.topic, JSON.stringify(goodbye), { qos: 1, retain: true });
      const own = ({ session }: StateMessage): boolean => session === mine.message.session;
      await rig.listener.next('state', own, { after: left });
    }
  });
});

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a broker that does not allow everything', () => {
  let rig: Rig;
  let strict: Mosquitto;
  const allow = (...names: string[]): Promise<void> =>
    writeFile(
      join(rig.folder, 'acl'),
      ['topic read #', ...names.map((name) => `topic write wayside/v1/test/one/${name}`), ''].join('\n'),
      { mode: 0o600 },
    );
  const ALL_BUT_DETECTIONS = ['state', 'info', 'telemetry', 'alarm/+', 'camera/north/status'];
  beforeAll(async () => {
    rig = await Rig.start();
    await allow(...ALL_BUT_DETECTIONS);
  });
  afterAll(async () => {
    await rig.stop();
    await strict.stop();
  });

  it('makes the box degraded, with the topic, also where the topic has quality 0', async () => {
    await rig.working();
    strict = await Mosquitto.start(rig.folder, ['allow_anonymous true', `acl_file ${join(rig.folder, 'acl')}`]);
    const listener = await Listener.start(strict.url);
    await rig.reconfigure({ mqtt: { url: strict.url } });
    const { message } = await listener.next('state', (state) => reasonOf(state, 'topic-refused') !== undefined);
    expect(message.state).toBe('degraded');
    expect(message.reasons.map(({ message: text }) => text)).toEqual([
      expect.stringMatching(/^wayside\/v1\/test\/one\/camera\/north\/detections: .*[Nn]ot authorized/),
    ]);
    await listener.stop();
  });

  it('is in the log where not even the state is allowed, and well again once it is', async () => {
    await strict.stop();
    await allow('info');
    await strict.start();
    await until('the refusals', () => /"topic":"[^"]*\/state"[^\n]*topic refused/.test(rig.daemon.log), 60_000);
    await strict.stop();
    await allow('#');
    await strict.start();
    const listener = await Listener.start(strict.url);
    await listener.next('state', ({ state }) => state === 'online');
    await listener.stop();
  });
});
