import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.ts';
import { Listener } from '../support/listener.ts';
import { describeWith } from '../support/requirements.ts';
import { northCamera, Rig, tookLine } from '../support/rig.ts';
import { until } from '../support/until.ts';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'signals to the daemon', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start({
      config: ({ broker }) => ({ mqtt: { url: broker.url, username: 'box', passwordEnv: 'BOX_PASSWORD' } }),
      environment: { BOX_PASSWORD: 'hunter2' },
    });
    await rig.working();
  });
  afterAll(() => rig.stop());

  it('SIGHUP: an invalid configuration leaves the old one in use and shows why', async () => {
    const before = performance.now();
    await rig.reconfigure({ sit: 'test' });
    const { message, at } = await rig.degradedBy('configuration-refused', before);
    expect(message).toMatch(/wayside\.yaml:\d+:\d+:.*`sit`/);
    await rig.listener.next('detections', () => true, { after: at });
    const mended = performance.now();
    await rig.reconfigure({});
    await rig.listener.next('state', ({ state }) => state === 'online', { after: mended });
  });

  it('SIGHUP: a threshold changes without a new decoder', async () => {
    const decoders = rig.daemon.below().filter((pid) => !rig.daemon.inferencePids().includes(pid));
    const before = performance.now();
    await rig.reconfigure({ cameras: [{ ...northCamera(rig.camera.url), threshold: 0.999 }] });
    await rig.listener.next('detections', ({ regions }) => regions.every(({ classes }) => classes.length === 0), {
      after: before,
    });
    expect(rig.daemon.below()).toEqual(expect.arrayContaining(decoders));
  });

  it('SIGHUP: a region becomes a polygon without a new decoder, and nothing outside of it is seen', async () => {
    const decoders = rig.daemon.below().filter((pid) => !rig.daemon.inferencePids().includes(pid));
    const before = performance.now();
    // The middle of the image, of which only the blue half: as a box it shows as much red.
    const polygon = [
      [0.25, 0],
      [0.75, 0],
      [0.75, 1],
      [0.55, 1],
      [0.55, 0.02],
      [0.25, 0.02],
    ];
    const [left] = northCamera(rig.camera.url)['regions'] as object[];
    const regions = [left, { name: 'middle', polygon }];
    await rig.reconfigure({ cameras: [{ ...northCamera(rig.camera.url), regions }] });
    const { message } = await rig.listener.next('detections', (each) => each.regions[1]?.region === 'middle', {
      after: before,
    });
    expect(message.regions).toMatchObject([
      { region: 'left', box: [0, 0, 0.5, 1], classes: [{ class: 'red' }] },
      { region: 'middle', box: [0.25, 0, 0.5, 1], polygon, classes: [{ class: 'blue' }] },
    ]);
    const { message: info } = await rig.listener.next('info', ({ cameras }) => cameras[0]?.regions.length === 2, {
      after: before,
    });
    expect(info.cameras[0]?.regions[1]).toEqual({ name: 'middle', box: [0.25, 0, 0.5, 1], polygon });
    expect(rig.daemon.below()).toEqual(expect.arrayContaining(decoders));
  });

  it('SIGHUP: cameras come and go, and the status of one that is gone is removed', async () => {
    const before = performance.now();
    const south = { ...northCamera(rig.camera.url), id: 'south', regions: [] };
    await rig.reconfigure({ cameras: [northCamera(rig.camera.url), south] });
    const { message } = await rig.listener.next('detections', ({ camera }) => camera === 'south', { after: before });
    expect(message.regions.map(({ region }) => region)).toEqual(['frame']);
    const gone = performance.now();
    await rig.reconfigure({ cameras: [northCamera(rig.camera.url)] });
    await rig.listener.next('info', ({ cameras }) => cameras.length === 1, { after: gone });
    await until('the retained status of the camera to be removed', async () => {
      const late = await Listener.start(rig.broker.url);
      await late.next('camera-status', ({ camera }) => camera === 'north');
      await late.next('telemetry'); // live traffic: all that is retained was delivered before
      const kept = late.heard.filter(({ kind, retained }) => kind === 'camera-status' && retained);
      await late.stop();
      return kept.every(({ topic }) => !topic.includes('south'));
    });
  });

  it('shows no secret in its arguments, its log or its children’s environment', () => {
    for (const pid of [rig.daemon.pid, ...rig.daemon.below()]) {
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('hunter2');
    }
    for (const pid of rig.daemon.below()) expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('hunter2');
    expect(rig.daemon.log).not.toContain('hunter2');
    expect(JSON.stringify(rig.listener.heard)).not.toContain('hunter2');
  });

  it('SIGTERM: publishes offline, leaves no child and ends with 0', async () => {
    const told = performance.now();
    expect(await rig.daemon.end('SIGTERM')).toBe(0);
    const ended = performance.now();
    tookLine('SIGTERM: ended after', told, ended);
    expect(ended - told).toBeLessThan(8000);
    const { message } = await rig.listener.next('state', ({ state }) => state === 'offline', { after: told });
    expect(message.reasons).toMatchObject([{ code: 'stopped' }]);
    await rig.listener.next('camera-status', ({ state }) => state === 'stopped', { after: told });
    await rig.daemon.leavesNothing();
  });

  it('ends with 78 when it is started with a configuration that does not hold', async () => {
    const path = join(rig.folder, 'broken.yaml');
    await writeFile(path, 'site: test\n');
    const daemon = new DaemonProcess(path);
    await until('the daemon to end', () => daemon.child.exitCode !== null);
    expect(daemon.child.exitCode).toBe(78);
    expect(daemon.log).toContain('error CONFIG_INVALID: ');
  });
});
