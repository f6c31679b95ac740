import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evaluate } from '../../../calibration/evaluate.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { SceneDataset } from '../../../demo/classifier/scene-dataset.ts';
import { CLASSES } from '../../../demo/scene/types.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { openSession } from '../../../inference/session.ts';

const folder = join(PACKAGE_ROOT, 'demo', 'package');

it('the committed classifier is as good as its manifest says, on scenes it was not made from', async () => {
  const { manifest, bytes } = await readPackage(folder);
  const [, scenes] = /^scene:(\d+)x/.exec(manifest.measured?.data ?? '') ?? [];
  const test = new SceneDataset('test', { scenes: Number(scenes) });
  expect(test.name).toBe(manifest.measured?.data);
  expect(manifest.labels).toEqual(CLASSES);
  expect(bytes).toBeLessThan(200_000);
  const session = await openSession(join(folder, 'model.onnx'));
  const { top1, samples } = await evaluate(session, test, { preprocessing: manifest.preprocessing });
  await session.close();
  expect(samples).toBe(manifest.measured?.candidate.samples);
  // Half a point for processors that round differently.
  expect(top1).toBeGreaterThanOrEqual((manifest.measured?.candidate.top1 ?? 1) - 0.005);
  expect(top1).toBeGreaterThan(0.945);
});

it('training and test scenes share no image', async () => {
  const ids = async (split: 'train' | 'test'): Promise<string[]> => {
    const found: string[] = [];
    const set = new SceneDataset(split, { scenes: 2, framesPerScene: 2, cropsPerFrame: 2 });
    for await (const { id } of set.samples()) found.push(id.split('#')[0] ?? '');
    return found;
  };
  const [train, test] = [await ids('train'), await ids('test')];
  expect(train.filter((seed) => test.includes(seed))).toEqual([]);
});
