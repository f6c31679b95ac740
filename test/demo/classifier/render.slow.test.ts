import { expect, it } from 'vitest';
import { loadImages } from '../../../compression/training/data/images.ts';
import { PREPROCESSING } from '../../../demo/classifier/network.ts';
import { renderScenes } from '../../../demo/classifier/render.ts';
import { SceneDataset } from '../../../demo/classifier/scene-dataset.ts';

it('renders on several threads what one pass over the set gives', async () => {
  const regions = { scenes: 11, framesPerScene: 1, cropsPerFrame: 3 };
  const rendered = await renderScenes({ regions, threads: 2 });
  const expected = await loadImages(new SceneDataset('train', regions), PREPROCESSING);
  expect(rendered.positions).toEqual(expected.positions);
  expect(rendered.classes).toBe(expected.classes);
  expect(Buffer.from(rendered.planes).equals(Buffer.from(expected.planes))).toBe(true);
  expect(Buffer.from(rendered.labels).equals(Buffer.from(expected.labels))).toBe(true);
});
