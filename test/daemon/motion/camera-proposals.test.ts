import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../../daemon/camera/types.ts';
import type { CameraEntry } from '../../../daemon/cameras.ts';
import { detectionsBody, jobFor, type PendingFrame } from '../../../daemon/detections.ts';
import type { FrameModel } from '../../../daemon/inference/frame-model.ts';
import { loadModel } from '../../../daemon/inference/load-model.ts';
import { type Ready, resultOf } from '../../../daemon/inference/protocol.ts';
import { CameraProposals, classifiedProposals } from '../../../daemon/motion/camera-proposals.ts';
import { cropsOf } from '../../../daemon/motion/crops.ts';
import { motionPlacesOf, regionsOf } from '../../../daemon/regions/regions.ts';
import { classScheme } from '../../../daemon/vision/class-scheme.ts';
import { Traffic } from '../../../daemon/vision/traffic.ts';
import type { Box } from '../../../inference/image.ts';
import { COLOURS, writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type FlatThing, streetOf } from '../../support/moving-things.ts';

const LINE = { id: 'middle', from: [0.5, 0.95], to: [0.5, 0.1] } as const;
const log = pino({ level: 'silent' });
const ready = { task: 'classification', labels: COLOURS, thresholds: { score: 0.3 } } as unknown as Ready;
const config = {
  id: 'north',
  proposals: 'motion',
  regions: [],
  topK: 3,
  threshold: 0.3,
} as unknown as CameraEntry['config'];

function entryOf(of: CameraEntry['config']): CameraEntry {
  const entry = { id: of.id, config: of, regions: regionsOf(of), motionPlaces: motionPlacesOf(of) };
  return entry as unknown as CameraEntry;
}

describe('a classifier that is shown what moves', () => {
  const folder = temporaryFolder();
  let model: FrameModel;
  beforeAll(async () => {
    model = await loadModel((await writeColourPackage(folder())).dir, { threads: 1, provider: 'cpu' });
  });

  it('counts vehicles at a line, each in its class and direction', async () => {
    const entry = entryOf(config);
    const proposals = new CameraProposals(log);
    const { scheme } = classScheme(COLOURS, { red: ['red'], blue: ['blue'] });
    const traffic = new Traffic({ lines: [LINE] }, scheme, 240 / 136);
    const street = streetOf(6);
    const crossings: string[] = [];
    for (let i = 0; i < 180; i++) {
      const t = i / 10 - 5;
      const thing = (x: number, y: number, colour: FlatThing['colour']): FlatThing => {
        return { box: [x, y, 0.14, 0.2], grey: 0, ...(colour === undefined ? {} : { colour }) };
      };
      const things = [thing(0.02 + 0.2 * t, 0.55, [250, 10, 10]), thing(0.9 - 0.15 * (t - 6), 0.2, [10, 10, 250])];
      const image = street({ things: things.filter(({ box }) => box[0] > 0 && box[0] < 0.86) });
      const frame = { ...image, capturedAt: 100 * i, lagMs: null } as Frame;
      const crops = proposals.of(entry, frame, ready);
      const pending = { regions: entry.regions, proposals: crops } as unknown as PendingFrame;
      const job = jobFor(entry, frame, crops);
      const result = resultOf(i, await model.analyse(frame, job));
      expect(result.regions).toHaveLength(crops?.length ?? -1);
      const seen = traffic.update(classifiedProposals(pending, result) ?? [], i / 10);
      crossings.push(
        ...seen.crossings.map(({ direction, classIndex }) => `${scheme.classes[classIndex]} ${direction}`),
      );
    }
    expect(crossings).toEqual(['red forward', 'blue backward']);
  });

  it('is shown what moves after its regions, which are told as before', async () => {
    const regions = [{ name: 'left', box: [0, 0, 0.5, 1] as Box }];
    const frame = { ...streetOf(1)({ things: [{ box: [0, 0, 1, 1], grey: 0, colour: [250, 0, 0] }] }), capturedAt: 0 };
    const entry = { id: 'north', config, regions } as unknown as CameraEntry;
    const proposals = cropsOf([{ box: [0.5, 0.5, 0.2, 0.2], filled: 1 }], 2);
    const result = resultOf(1, await model.analyse(frame, jobFor(entry, frame as Frame, proposals)));
    const pending = { camera: 'north', regions, proposals, frame, ready, submittedAt: 0 } as unknown as PendingFrame;
    expect(detectionsBody(pending, result, 1).regions.map(({ region }) => region)).toEqual(['left']);
    expect(classifiedProposals(pending, result)).toMatchObject([{ box: [0.5, 0.5, 0.2, 0.2], classIndex: 0 }]);
  });

  it('is shown what moves in a region that asks for it, and nothing that moves elsewhere', () => {
    const { proposals: _, ...without } = config;
    // The lower part of the image but for its left end.
    const polygon: [number, number][] = [
      [0.3, 0.4],
      [1, 0.4],
      [1, 1],
      [0.3, 1],
    ];
    const entry = entryOf({ ...without, regions: [{ name: 'lane', polygon, proposals: 'motion' }] });
    expect(entry.regions).toEqual([]);
    const [limited, all] = [new CameraProposals(log), new CameraProposals(log)];
    const street = streetOf(6);
    const seen = { limited: 0, left: 0, above: 0 };
    for (let i = 0; i < 120; i++) {
      const t = i / 10 - 5;
      const thing = (x: number, y: number): FlatThing => ({ box: [x, y, 0.14, 0.2], grey: 0 });
      const things = [thing(0.02 + 0.15 * t, 0.55), thing(0.9 - 0.15 * t, 0.1)];
      const image = street({ things: things.filter(({ box }) => box[0] > 0 && box[0] < 0.86) });
      const frame = { ...image, capturedAt: 100 * i, lagMs: null } as Frame;
      const shown = limited.of(entry, frame, ready) ?? [];
      const middles = (crops: typeof shown) => crops.map(({ box: [x, y, w, h] }) => [x + w / 2, y + h / 2] as const);
      for (const [x, y] of middles(all.of(entryOf(config), frame, ready) ?? [])) {
        if (y < 0.4) seen.above++;
        else if (x < 0.3) seen.left++;
      }
      for (const [x, y] of middles(shown)) {
        expect([x >= 0.3, y >= 0.4]).toEqual([true, true]);
        seen.limited++;
      }
    }
    for (const frames of Object.values(seen)) expect(frames).toBeGreaterThan(5);
  });

  it('is shown nothing where that is not asked for, and a model that finds objects does not need it', () => {
    const frame = { ...streetOf(1)(), capturedAt: 0, lagMs: null } as Frame;
    const { proposals: _, ...without } = config;
    const [plain, asked] = [entryOf({ ...without, id: 'a' }), entryOf({ ...config, id: 'b' })];
    const proposals = new CameraProposals(log);
    expect(proposals.of(plain, frame, ready)).toBeUndefined();
    expect(proposals.of(asked, frame, { task: 'detector' })).toBeUndefined();
    expect(proposals.of(asked, frame, ready)).toEqual([]);
    expect(classifiedProposals({ regions: [] }, { regions: [[{ index: 0, score: 1 }]] })).toBeUndefined();
  });
});

describe('what is cut out', () => {
  it('is square in pixels, has a margin, and lies inside the image', () => {
    const aspect = 16 / 9;
    for (const box of [
      [0.4, 0.4, 0.1, 0.1],
      [0, 0, 0.05, 0.3],
      [0.9, 0.8, 0.1, 0.2],
    ] as Box[]) {
      const [x, y, w, h] = cropsOf([{ box, filled: 1 }], aspect)[0]!.shown;
      expect(w * aspect).toBeCloseTo(h, 9);
      expect(h).toBeGreaterThan(Math.max(box[2] * aspect, box[3]));
      expect(Math.min(x, y, 1 - x - w, 1 - y - h)).toBeGreaterThanOrEqual(-1e-9);
      expect([x <= box[0], y <= box[1]]).toEqual([true, true]);
    }
  });
});
