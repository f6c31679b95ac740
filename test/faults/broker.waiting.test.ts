import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { certificates } from '../support/certificates.ts';
import { Listener } from '../support/listener.ts';
import { freePort, Mosquitto } from '../support/mosquitto.ts';
import { describeWith } from '../support/requirements.ts';
import { Rig, tookLine } from '../support/rig.ts';
import { until } from '../support/until.ts';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a broker in trouble', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
    await rig.working();
  });
  afterAll(() => rig.stop());

  it('gets everything retained anew when it comes back without its memory', async () => {
    await rig.broker.stop();
    await until('the daemon to notice', () => rig.daemon.log.includes('no connection to the broker'));
    const back = performance.now();
    await rig.broker.start();
    const { at } = await rig.listener.next('detections', () => true, { after: back });
    tookLine('broker back: detections again after', back, at);
    const late = await Listener.start(rig.broker.url);
    const { message } = await late.next('state');
    expect(message.state).toBe('online');
    expect((await late.next('info')).retained).toBe(true);
    expect((await late.next('camera-status')).retained).toBe(true);
    await late.stop();
  });

  it('hears of the detections that were lost as a gap in their numbers', async () => {
    const numbers = rig.listener.heard.filter(({ kind }) => kind === 'detections').map(({ message }) => message.seq);
    const gaps = numbers.slice(1).filter((seq, index) => seq !== (numbers[index] ?? 0) + 1);
    expect(gaps.length).toBe(1);
    const { message } = await rig.listener.next('telemetry', ({ mqtt }) => mqtt.reconnects === 1);
    expect(message.mqtt.detectionsDropped).toBeGreaterThan(0);
  });

  it('is left and found again when it hangs with the connection open', async () => {
    const before = rig.daemon.log.length;
    const frozen = performance.now();
    rig.broker.freeze();
    await until('the daemon to notice', () => rig.daemon.log.slice(before).includes('no connection to the broker'));
    tookLine('broker hung (keep-alive 5 s): noticed after', frozen, performance.now());
    const thawed = performance.now();
    rig.broker.thaw();
    await until('the connection', () => /connected to the broker/.test(rig.daemon.log.slice(before)), 40_000);
    const { at } = await rig.listener.next('detections', () => true, { after: performance.now() });
    tookLine('broker answers again: detections after', thawed, at);
  });

  it('publishes the last will when the daemon is killed, and the daemon leaves no orphans', async () => {
    expect(rig.daemon.below().length).toBeGreaterThanOrEqual(2);
    const killed = performance.now();
    expect(await rig.daemon.end('SIGKILL')).toBe('SIGKILL');
    const { message, at } = await rig.listener.next('state', ({ state }) => state === 'offline', { after: killed });
    tookLine('daemon killed: last will after', killed, at);
    expect(message.reasons).toMatchObject([{ code: 'connection-lost' }]);
    await rig.daemon.leavesNothing();
    tookLine('daemon killed: no child left after', killed, performance.now());
  });
});

describeWith({ needs: ['ffmpeg', 'mosquitto', 'openssl'] }, 'a broker that wants certificates', () => {
  let rig: Rig;
  let secured: Mosquitto;
  let folder: string;
  beforeAll(async () => {
    rig = await Rig.start();
    folder = await certificates(rig.folder);
    secured = await Mosquitto.start(folder, [
      `cafile ${folder}/ca.pem`,
      `certfile ${folder}/server.pem`,
      `keyfile ${folder}/server.key`,
      'require_certificate true',
      'use_identity_as_username true',
      'allow_anonymous false',
    ]);
  });
  afterAll(async () => {
    await rig.stop();
    await secured.stop();
  });

  const url = (): string => `mqtts://localhost:${secured.port}`;

  it('is served over TLS with a client certificate, after a reload', async () => {
    await rig.working();
    const moved = performance.now();
    const tls = { ca: 'tls/ca.pem', cert: 'tls/box.pem', key: 'tls/box.key' };
    await rig.reconfigure({ mqtt: { url: url(), ...tls } });
    const goodbye = await rig.listener.next('state', ({ state }) => state === 'offline', { after: moved });
    expect(goodbye.message.reasons).toMatchObject([{ code: 'stopped' }]);
    const pem = async (name: string): Promise<Buffer> => await readFile(`${folder}/${name}`);
    const listener = await Listener.start(url(), {
      ca: await pem('ca.pem'),
      cert: await pem('box.pem'),
      key: await pem('box.key'),
      clientId: 'listener',
    });
    await listener.next('state', ({ state }) => state === 'online');
    await listener.next('detections');
    await listener.stop();
  });

  it('is not trusted when its certificate is another’s', async () => {
    const before = rig.daemon.log.length;
    await rig.reconfigure({ mqtt: { url: url() } });
    await until('the refusal', () => /no connection to the broker/.test(rig.daemon.log.slice(before)));
    expect(rig.daemon.log.slice(before)).toMatch(/self[- ]signed|unable to (get|verify)/i);
  });
});

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a broker that speaks only MQTT 3.1.1', () => {
  it('is found out and spoken to in its language', async () => {
    const rig = await Rig.start();
    const aedes = await Aedes.createBroker();
    const server = createServer(aedes.handle);
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    try {
      await rig.working();
      await rig.reconfigure({ mqtt: { url: `mqtt://127.0.0.1:${port}` } });
      const listener = await Listener.start(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 });
      await listener.next('state', ({ state }) => state === 'online');
      await listener.next('detections');
      expect(rig.daemon.log).toContain('"protocol":"3.1.1"');
      await rig.daemon.end();
      await listener.next('state', ({ state }) => state === 'offline');
      await listener.stop();
    } finally {
      await rig.stop();
      server.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    }
  });
});
