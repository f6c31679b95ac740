import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeColourPackage } from '../support/colour-package.ts';
import { describeWith } from '../support/requirements.ts';
import { Rig, tookLine } from '../support/rig.ts';
import { until } from '../support/until.ts';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'an inference process in trouble', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
    await rig.working();
  });
  afterAll(() => rig.stop());

  const inference = (): Promise<number> => until('the inference process', () => rig.daemon.inferencePids()[0]);

  it('is replaced after kill -9, and the state says so', async () => {
    const pid = await inference();
    const killed = performance.now();
    process.kill(pid, 'SIGKILL');
    expect((await rig.degradedBy('inference-down', killed)).message).toContain('SIGKILL');
    const online = await rig.listener.next('state', ({ state }) => state === 'online', { after: killed });
    const { at } = await rig.listener.next('detections', () => true, { after: online.at });
    tookLine('inference process killed: detections again after', killed, at);
    expect(await inference()).not.toBe(pid);
  });

  it('is replaced when it hangs', async () => {
    const pid = await inference();
    const stopped = performance.now();
    process.kill(pid, 'SIGSTOP');
    expect((await rig.degradedBy('inference-down', stopped)).message).toContain('no answer for');
    const online = await rig.listener.next('state', ({ state }) => state === 'online', { after: stopped });
    const { at } = await rig.listener.next('detections', () => true, { after: online.at });
    tookLine('inference process hung (2 s allowed): detections again after', stopped, at);
  });

  it('leaves the old model in use when the new one does not reproduce its golden samples', async () => {
    await writeColourPackage(join(rig.folder, 'wrong'), { version: '2', wrongGolden: true });
    const before = performance.now();
    await rig.reconfigure({ model: { package: 'wrong', hangSeconds: 2 } });
    const { message, at } = await rig.degradedBy('model-refused', before);
    expect(message).toContain('GOLDEN_MISMATCH');
    const detections = await rig.listener.next('detections', () => true, { after: at });
    expect(detections.message.model.version).toBe('1');
  });

  it('swaps to another model between two frames, losing none', async () => {
    await writeColourPackage(join(rig.folder, 'next'), { version: '3', labels: ['rot', 'grün', 'blau'], batch: 1 });
    const before = performance.now();
    await rig.reconfigure({ model: { package: 'next', hangSeconds: 2 } });
    const { message, at } = await rig.listener.next('detections', ({ model }) => model.version === '3', {
      after: before,
    });
    tookLine('model swapped: first detections of the new one after', before, at);
    expect(message.regions.map(({ classes }) => classes[0]?.class)).toEqual(['rot', 'blau']);
    await rig.listener.next('state', ({ state }) => state === 'online', { after: before });
    const around = rig.listener.heard.filter(({ kind, at: when }) => kind === 'detections' && when >= before);
    const numbers = around.map(({ message: { seq } }) => seq);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    await until('the old process to be gone', () => rig.daemon.inferencePids().length === 1);
  });
});
