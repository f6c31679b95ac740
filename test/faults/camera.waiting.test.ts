import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CameraStatusMessage } from '../../contract/messages/camera-status.ts';
import { describeWith } from '../support/requirements.ts';
import { northCamera, Rig, startColourCamera, tookLine } from '../support/rig.ts';

const CREDENTIALS = { username: 'viewer', password: 'correct horse: 7@/?' };
const LIVE = ({ state }: CameraStatusMessage): boolean => state === 'live';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a camera in trouble', () => {
  let rig: Rig;
  const withPassword = (file: string): object => ({
    cameras: [{ ...northCamera(rig.camera.url), username: CREDENTIALS.username, passwordFile: file }],
  });
  beforeAll(async () => {
    rig = await Rig.start({
      credentials: CREDENTIALS,
      config: ({ cameraUrl }) => ({
        cameras: [{ ...northCamera(cameraUrl), username: CREDENTIALS.username, passwordEnv: 'NORTH_PASSWORD' }],
      }),
      environment: { NORTH_PASSWORD: CREDENTIALS.password },
    });
    await rig.working();
    await writeFile(join(rig.folder, 'wrong'), 'hunter2\n');
    await writeFile(join(rig.folder, 'right'), `${CREDENTIALS.password}\n`);
  });
  afterAll(() => rig.stop());

  /** Waits for trouble to show in the camera's status and in the state of the box, and prints when. */
  async function seen(what: string, from: number, fits: (message: CameraStatusMessage) => boolean): Promise<void> {
    const { at } = await rig.listener.next('camera-status', fits, { after: from });
    await rig.listener.next('state', ({ state, reasons }) => state === 'degraded' && reasons[0]?.camera === 'north', {
      after: from,
    });
    tookLine(`${what}: seen after`, from, at);
  }

  async function recovers(what: string, from: number): Promise<void> {
    await rig.listener.next('camera-status', LIVE, { after: from });
    await rig.listener.next('state', ({ state }) => state === 'online', { after: from });
    const { at } = await rig.listener.next('detections', () => true, { after: from });
    tookLine(`${what}: detections again after`, from, at);
  }

  it('is seen and recovers when it is switched off and on', async () => {
    const { port } = rig.camera;
    const off = performance.now();
    await rig.camera.close();
    await seen('camera off', off, ({ state, reason }) => state !== 'live' && reason !== null);
    const on = performance.now();
    rig.camera = await startColourCamera({ port, credentials: CREDENTIALS });
    await recovers('camera on', on);
  });

  it('is seen and recovers when it freezes with its connection open', async () => {
    const frozen = performance.now();
    rig.camera.faults.freeze();
    await seen('camera frozen (2 s allowed)', frozen, ({ state }) => state === 'stalled');
    const thawed = performance.now();
    rig.camera.faults.clear();
    await recovers('camera thawed', thawed);
  });

  it('is seen and recovers when it sends everything but images', async () => {
    const mute = performance.now();
    rig.camera.faults.mute();
    await seen('camera mute (2 s allowed)', mute, ({ state }) => state === 'stalled');
    const clear = performance.now();
    rig.camera.faults.clear();
    await recovers('camera no longer mute', clear);
  });

  it('is refused with a wrong password, and recovers by SIGHUP when the file is right', async () => {
    const wrong = performance.now();
    await rig.reconfigure(withPassword('wrong'));
    await seen(
      'wrong password',
      wrong,
      ({ state, reason }) => state === 'refused' && reason?.code === 'CAMERA_REFUSED',
    );
    const right = performance.now();
    await rig.reconfigure(withPassword('right'));
    await recovers('right password', right);
  });

  it('has told nobody a password', () => {
    const published = JSON.stringify(rig.listener.heard);
    for (const secret of ['hunter2', CREDENTIALS.password, encodeURIComponent(CREDENTIALS.password)]) {
      expect(rig.daemon.log).not.toContain(secret);
      expect(published).not.toContain(secret);
    }
  });
});
