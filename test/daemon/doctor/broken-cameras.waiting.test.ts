import { cp, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { camera as cameraCheck } from '../../../daemon/doctor/checks/camera.ts';
import { frameRate } from '../../../daemon/doctor/checks/frame-rate.ts';
import { model } from '../../../daemon/doctor/checks/model.ts';
import type { DoctorOptions } from '../../../daemon/doctor/doctor.ts';
import type { RtspServer } from '../../../demo/rtsp/server.ts';
import { BoxRoot } from '../../support/box-root.ts';
import { type BrokenCase, directProber, itFindsEach } from '../../support/broken-box.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { freePort } from '../../support/mosquitto.ts';
import { describeWith } from '../../support/requirements.ts';
import { startColourCamera } from '../../support/rig.ts';

/** As the probes tell it, where what they would be pointed at is not at hand: a camera of that kind, a slow processor. */
function telling(kind: 'camera' | 'model', change: object): Partial<DoctorOptions> {
  const ask: (typeof directProber)['ask'] = async (asked, question, signal) => {
    const answer = await directProber.ask(asked, question, signal);
    return asked === kind ? { ...answer, ...change } : answer;
  };
  return { prober: { ask } };
}

describeWith({ needs: ['ffmpeg'] }, 'a box with something broken at its cameras or its model', () => {
  const PACKAGE = 'var/lib/models/factory/colours';
  let server: RtspServer;
  beforeAll(async () => {
    server = await startColourCamera({ credentials: { username: 'viewer', password: 'word' } });
  });
  afterAll(() => server.close());

  const configure = (box: BoxRoot, camera: object = {}, more: object = {}): Promise<void> => {
    const usual = { id: 'north', url: server.url, username: 'viewer', passwordFile: 'secrets/mqtt', connectSeconds: 4 };
    return box.configure({ cameras: [{ ...usual, ...camera }], ...more });
  };
  const createBox = async (): Promise<BoxRoot> => {
    const box = await BoxRoot.create();
    onTestFinished(() => rm(box.folder, { recursive: true, force: true }));
    await configure(box);
    return box;
  };
  const suffers = async (act: () => void): Promise<void> => {
    act();
    onTestFinished(() => server.faults.clear());
  };

  const CASES: readonly BrokenCase[] = [
    {
      check: cameraCheck,
      fault: 'unreachable',
      remedy: /ping 127\.0\.0\.1/,
      breaks: async (box) => configure(box, { url: `rtsp://127.0.0.1:${await freePort()}/x` }),
    },
    {
      check: cameraCheck,
      fault: 'refused',
      remedy: /passwordFile.* camera north in/,
      breaks: (box) => configure(box, { username: 'other' }),
    },
    {
      check: cameraCheck,
      fault: 'no-video',
      remedy: /correct `url` of camera north/,
      breaks: () => suffers(() => server.faults.misdescribe('audio-only')),
    },
    {
      check: cameraCheck,
      fault: 'transport',
      remedy: /transport: udp/,
      breaks: () => suffers(() => server.faults.refuse('transport')),
    },
    {
      check: cameraCheck,
      fault: 'tls',
      remedy: /openssl s_client/,
      breaks: (box) => configure(box, { url: server.url.replace('rtsp:', 'rtsps:') }),
    },
    { check: cameraCheck, fault: 'codec', remedy: /choose H\.264/, looks: telling('camera', { codec: 'mjpeg' }) },
    {
      check: cameraCheck,
      fault: 'large',
      remedy: /sub-stream/,
      looks: telling('camera', { width: 3840, height: 2160 }),
    },
    { check: cameraCheck, fault: 'keyframes', remedy: /GOP/, looks: telling('camera', { keyframeSeconds: 10 }) },
    {
      check: cameraCheck,
      fault: 'slow-start',
      remedy: /keyframe interval to 2 s/,
      looks: telling('camera', { firstFrameMs: 9000 }),
    },
    {
      check: frameRate,
      fault: 'model-slow',
      remedy: /50% of what is asked/,
      looks: telling('model', { regionMs: 400 }),
    },
    {
      check: frameRate,
      fault: 'motion-slow',
      remedy: /`regions` only: 50% of what is asked/,
      breaks: (box) => configure(box, { proposals: 'motion' }),
      looks: telling('model', { regionMs: 5, batch: { regions: 16, ms: 400 } }),
    },
    {
      check: frameRate,
      fault: 'camera-slow',
      remedy: /lower `rate` of camera north/,
      breaks: (box) => configure(box, { rate: 60 }),
    },
    {
      check: model,
      fault: 'missing',
      remedy: /wayside store import/,
      breaks: (box) => rm(box.path(PACKAGE), { recursive: true }),
    },
    {
      check: model,
      fault: 'damaged',
      remedy: /wayside store rollback/,
      breaks: (box) => truncate(box.path(`${PACKAGE}/model.onnx`), 100),
    },
    {
      check: model,
      fault: 'differs',
      remedy: /wayside compress/,
      breaks: async (box) => {
        await rm(box.path(PACKAGE), { recursive: true });
        await writeColourPackage(box.path(PACKAGE), { wrongGolden: true });
      },
    },
    {
      check: model,
      fault: 'fallen-back',
      remedy: /wayside store status/,
      breaks: async (box) => {
        const named = box.path('var/lib/models/colours');
        await cp(box.path(PACKAGE), named, { recursive: true });
        await truncate(`${named}/model.onnx`, 10);
        await configure(box, {}, { model: { package: named }, agent: undefined });
      },
    },
    {
      check: model,
      fault: 'demonstration',
      remedy: /wayside compress.*store import.*model\.name/,
      breaks: async (box) => {
        const named = join(PACKAGE_ROOT, 'demo/detector-package');
        await configure(box, {}, { model: { package: named }, agent: undefined });
      },
    },
  ];
  itFindsEach(CASES, createBox);
});
