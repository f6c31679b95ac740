import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, it } from 'vitest';
import { openDataset } from '../../calibration/datasets/open.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();

beforeAll(async () => {
  await mkdir(join(folder(), 'night'));
  for (const [name, r] of [
    ['b.png', 10],
    ['a.png', 20],
    ['night/c.png', 30],
  ] as const) {
    const image = sharp({ create: { width: 2, height: 2, channels: 3, background: { r, g: 0, b: 0 } } });
    await image.png().toFile(join(folder(), name));
  }
});

it('a folder of images without labels is a set where nobody asks for labels', async () => {
  const set = await openDataset(`images:${folder()}`, 'train', { unlabelled: true });
  const found: [string, number][] = [];
  for await (const { id, image } of set.samples()) found.push([id, image.data[0] ?? 0]);
  expect(found).toEqual([
    ['a.png', 20],
    ['b.png', 10],
    ['night/c.png', 30],
  ]);
});

it('where labels are asked for, it is refused', async () => {
  await expect(openDataset(`images:${folder()}`, 'train')).rejects.toMatchObject({ code: 'DATASET_INVALID' });
});

it('a folder without images is none', async () => {
  await mkdir(join(folder(), 'empty'));
  const opened = openDataset(`images:${join(folder(), 'empty')}`, 'train', { unlabelled: true });
  await expect(opened).rejects.toMatchObject({ code: 'DATASET_INVALID' });
});
