import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { loadModel } from '../../../daemon/inference/load-model.ts';
import { collected, streetFrames } from '../../../demo/detector/frames.ts';
import { judgeDetector } from '../../../demo/detector/judge.ts';
import { ROAD_USERS } from '../../../demo/detector/network.ts';
import { readPackage } from '../../../inference/read-package.ts';

const PACKAGE = join(PACKAGE_ROOT, 'demo', 'detector-package');

/** Mean average precision on 24 frames, of which a few boxes more or less move some points. */
const LEAST = 0.8;

describe('the detector of the rendered street', () => {
  it('is a small package for the demonstration alone, which a daemon can run', async () => {
    const { manifest, bytes } = await readPackage(PACKAGE);
    expect(manifest).toMatchObject({ task: 'grid', purpose: 'demonstration', labels: [...ROAD_USERS] });
    const all = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
    expect(bytes).toBeLessThan(150_000);
    expect(all).toBeLessThan(300_000);
    const model = await loadModel(PACKAGE, { threads: 1, provider: 'cpu' });
    const grey = { width: 640, height: 360, data: new Uint8Array(640 * 360 * 3).fill(128) };
    const { objects } = await model.analyse(grey, { boxes: [], topK: 1, threshold: 0 });
    expect(objects?.filter(({ score }) => score > 0.5)).toEqual([]);
  });

  it('finds what is on streets that it has not seen, in all weathers', async () => {
    const { modelPath } = await readPackage(PACKAGE);
    const frames = await collected(streetFrames({ part: 'test', scenes: 3, perScene: 8 }));
    const { meanPrecision, classes } = await judgeDetector(modelPath, frames);
    expect(classes.map((each) => each.class)).toEqual([...ROAD_USERS]);
    expect(meanPrecision).toBeGreaterThan(LEAST);
  });
});
