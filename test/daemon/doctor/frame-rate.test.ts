import { rm } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CameraFacts } from '../../../daemon/camera/probe.ts';
import { camera as cameraCheck } from '../../../daemon/doctor/checks/camera.ts';
import { frameRate } from '../../../daemon/doctor/checks/frame-rate.ts';
import { frameMs } from '../../../daemon/doctor/model-load.ts';
import { type ModelFacts, type ModelQuestion, probeModel } from '../../../daemon/probe/model.ts';
import { BoxRoot } from '../../support/box-root.ts';
import { lookAt } from '../../support/broken-box.ts';

const CAMERA: CameraFacts = {
  codec: 'h264',
  profile: 'Main',
  width: 1920,
  height: 1080,
  framesPerSecond: 25,
  keyframeSeconds: 2,
  frames: 50,
  describeMs: 10,
  firstFrameMs: 100,
  decoder: '5.1.6',
};
const MODEL: ModelFacts = {
  model: { name: 'm', version: '1', digest: 'sha256:0' },
  place: 'slot a',
  fallenBack: null,
  purpose: null,
  size: [32, 32],
  task: 'classification',
  regionMs: 10,
  batch: null,
};

/** What the check says of cameras and a model, as its probes tell them. */
async function lookedAt(cameras: readonly object[], model: Partial<ModelFacts>, check = frameRate) {
  const box = await BoxRoot.create();
  onTestFinished(() => rm(box.folder, { recursive: true, force: true }));
  await box.configure({ cameras: cameras.map((each, i) => ({ id: `c${i}`, url: 'rtsp://127.0.0.1:1/x', ...each })) });
  const asked: ModelQuestion[] = [];
  const ask = (kind: string, question: unknown): Promise<never> => {
    if (kind === 'model') asked.push(question as ModelQuestion);
    return Promise.resolve((kind === 'model' ? { ...MODEL, ...model } : CAMERA) as never);
  };
  const { findings } = await lookAt(box, check, { prober: { ask } });
  return { findings, asked };
}

const regions = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, i) => ({ name: `r${i}`, box: [0, 0, 1, 1], ...more }));
const batch = (count: number, ms: number): Pick<ModelFacts, 'batch'> => ({ batch: { regions: count, ms } });

describe('the frame rate that a box can keep', () => {
  it('is that of one run a frame for a model that finds objects, however many regions and whatever moves', async () => {
    for (const task of ['detector', 'grid'] as const) {
      const { findings } = await lookedAt(
        [
          { rate: 20, regions: regions(8) },
          { rate: 20, proposals: 'motion' },
        ],
        { task },
      );
      expect(findings.map(({ status }) => status)).toEqual(['ok', 'ok']);
      expect(findings[0]?.seen).toContain('takes 40% of a thread');
    }
  });

  it('counts the regions of a frame as the batch they are', async () => {
    const camera = [{ rate: 10, regions: regions(8) }];
    const { findings, asked } = await lookedAt(camera, batch(8, 45));
    expect(asked.map(({ regions: most }) => most)).toEqual([8]);
    expect(findings[0]?.seen).toContain('takes 45% of a thread');
    const { findings: one } = await lookedAt(camera, { batch: null });
    expect(one[0]?.seen).toContain('takes 80% of a thread');
    const { findings: slow } = await lookedAt(camera, batch(8, 160));
    expect(slow[0]).toMatchObject({ fault: 'model-slow', seen: expect.stringContaining('6.3 of 10 frames/s') });
  });

  it('knows what moves: nothing at its least, sixteen things a frame at its most', async () => {
    const camera = [{ rate: 10, proposals: 'motion' }];
    const { findings, asked } = await lookedAt(camera, batch(16, 70));
    expect(asked.map(({ regions: most }) => most)).toEqual([16]);
    expect(findings[0]).toMatchObject({ status: 'ok', seen: expect.stringContaining('takes 0 to 70% of a thread') });
    const { findings: crowded } = await lookedAt([...camera, { rate: 10, regions: regions(1) }], batch(16, 160));
    expect(crowded.map(({ fault, status }) => fault ?? status)).toEqual(['motion-slow', 'ok']);
    expect(crowded[0]?.seen).toContain('5.9 of 10 frames/s while 16 things move');
    expect(crowded[0]?.remedy).toContain('58%');
  });

  it('takes regions that ask for what moves for no regions of their own', async () => {
    const camera = [{ rate: 10, regions: [...regions(2), { ...regions(3)[2], proposals: 'motion' }] }];
    const { asked, findings } = await lookedAt(camera, batch(18, 95));
    expect(asked.map(({ regions: most }) => most)).toEqual([18]);
    expect(findings[0]?.seen).toContain('takes 15 to 95% of a thread');
  });
});

it('a camera whose motion is classified is of use up to the size that decoders give', async () => {
  const { findings } = await lookedAt([{ proposals: 'motion' }, {}], {}, cameraCheck);
  expect(findings.map(({ fault, status }) => fault ?? status)).toEqual(['ok', 'large']);
});

describe('frameMs', () => {
  it('is what was measured where it was, and never less for more', () => {
    const model = { regionMs: 10, batch: { regions: 5, ms: 30 } };
    expect([0, 1, 3, 5, 9].map((shown) => frameMs(model, shown))).toEqual([0, 10, 20, 30, 50]);
    expect(frameMs({ regionMs: 10, batch: { regions: 5, ms: 8 } }, 9)).toBe(10);
    expect(frameMs({ regionMs: 10, batch: null }, 3)).toBe(30);
  });
});

it('a probe times as many regions together as are asked for', async () => {
  const box = await BoxRoot.create();
  onTestFinished(() => rm(box.folder, { recursive: true, force: true }));
  const model = { package: box.path('var/lib/models/factory/colours'), threads: 1, provider: 'cpu' } as const;
  const facts = await probeModel({ config: { model } as unknown as ModelQuestion['config'], folder: '/', regions: 6 });
  expect(facts).toMatchObject({ task: 'classification', batch: { regions: 6 } });
  expect(facts.regionMs).toBeGreaterThan(0);
  expect(facts.batch?.ms).toBeGreaterThan(0);
});
