import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../support/requirements.ts';
import { northCamera, Rig, tookLine } from '../support/rig.ts';

/** A decoder that shows 25 grey images a second and keeps 10 MB more with each. */
const GROWING = `
const kept = [];
const image = Buffer.concat([Buffer.from('P6\\n64 36\\n255\\n'), Buffer.alloc(64 * 36 * 3, 128)]);
setInterval(() => {
  kept.push(Buffer.alloc(10 << 20, 1));
  process.stdout.write(image);
}, 40);
process.stdout.on('error', () => process.exit());
`;

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'children that grow', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
    await rig.working();
  });
  afterAll(() => rig.stop());

  it('a decoder is replaced, the camera says why, and the next one works until it grows too', async () => {
    const script = join(rig.folder, 'growing.mjs');
    await writeFile(script, GROWING);
    const from = performance.now();
    const decoder = { command: [process.execPath, script, '{url}'] };
    await rig.reconfigure({ cameras: [{ ...northCamera(rig.camera.url), memoryLimitMb: 200, decoder }] });
    const { message, at } = await rig.listener.next('camera-status', ({ reason }) => reason?.code === 'CAMERA_LOST', {
      after: from,
    });
    expect(message).toMatchObject({
      state: 'connecting',
      reason: {
        code: 'CAMERA_LOST',
        message: expect.stringMatching(/^the decoder grew to \d+ MB of memory, 200 MB allowed$/),
      },
    });
    await rig.listener.next('state', ({ state }) => state === 'degraded', { after: from });
    const live = await rig.listener.next('camera-status', ({ state }) => state === 'live', { after: at });
    expect(live.message.reconnects).toBeGreaterThan(0);
    tookLine('decoder that grew: live again after', at, live.at);
    await rig.reconfigure({});
    await rig.working(live.at);
  });

  it('an inference process that takes more than it may is no replacement for one that works', async () => {
    const from = performance.now();
    await rig.reconfigure({ model: { package: 'package', memoryLimitMb: 64, hangSeconds: 2 } });
    const { message, at } = await rig.degradedBy('model-refused', from);
    expect(message).toMatch(/grew to \d+ MB of memory, 64 MB allowed/);
    await rig.listener.next('detections', () => true, { after: at });
  });
});

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'the only inference process, grown', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start({ config: () => ({ model: { package: 'package', memoryLimitMb: 64 } }) });
  });
  afterAll(() => rig.stop());

  it('is replaced again and again, until it is given more memory', async () => {
    const { message, at } = await rig.degradedBy('inference-down', 0);
    expect(message).toMatch(/grew to \d+ MB of memory, 64 MB allowed/);
    await rig.listener.next('telemetry', ({ inference }) => inference.restarts >= 2, { after: at });
    await rig.reconfigure({ model: { package: 'package', memoryLimitMb: 1024 } });
    await rig.working(at);
  });
});
