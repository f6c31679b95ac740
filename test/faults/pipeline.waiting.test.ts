import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../support/requirements.ts';
import { Rig } from '../support/rig.ts';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'from RTSP to MQTT', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
    await rig.working();
  });
  afterAll(() => rig.stop());

  it('classifies every region of a live stream, and says with which model', async () => {
    const { message } = await rig.listener.next('detections');
    expect(message.camera).toBe('north');
    expect(message.model).toMatchObject({ name: 'colours', version: '1' });
    const seen = message.regions.map(({ region, classes }) => [region, classes.map((each) => each.class)]);
    expect(seen).toEqual([
      ['left', ['red']],
      ['right', ['blue']],
    ]);
    expect(message.latencyMs.total).toBeGreaterThanOrEqual(message.latencyMs.wait + message.latencyMs.run);
  });

  it('counts without gaps on a connection that holds', async () => {
    const last = rig.listener.heard.filter(({ kind }) => kind === 'detections').length + 20;
    await rig.listener.next('detections', ({ seq }) => seq >= last);
    const numbers = rig.listener.heard.filter(({ kind }) => kind === 'detections').map(({ message }) => message.seq);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it('tells what runs, and how the camera is', async () => {
    const { message: info } = await rig.listener.next('info', ({ model }) => model !== null);
    expect(info.cameras).toMatchObject([
      { id: 'north', threshold: null, regions: [{ name: 'left' }, { name: 'right' }] },
    ]);
    expect(info.software.onnxRuntime).toMatch(/^\d+\.\d+/);
    // 10 are asked for; after a pause of the machine as many are seen in a second as had waited.
    const near = (fps: number): boolean => fps > 8 && fps < 12;
    const { message: status } = await rig.listener.next('camera-status', ({ fpsAnalysed }) => near(fpsAnalysed));
    expect(status.state).toBe('live');
  });

  it('reports resources, latencies and processes in telemetry, and null for what it does not see', async () => {
    const { message } = await rig.listener.next('telemetry', ({ stages }) => stages.run.count >= 5);
    expect(message.stages.total.p99).toBeGreaterThanOrEqual(message.stages.run.p50 ?? Number.POSITIVE_INFINITY);
    for (const bytes of Object.values(message.processes)) expect(bytes).toBeGreaterThan(10 * 2 ** 20);
    expect(message.temperatureCelsius === null || message.temperatureCelsius > 0).toBe(true);
  });

  it('keeps the inference and imaging libraries out of the process that holds the credentials', () => {
    const libraries = readFileSync(`/proc/${rig.daemon.pid}/maps`, 'utf8');
    expect(libraries).not.toMatch(/onnxruntime|libvips|sharp/);
  });
});
