import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { spotDetector, writeSpotPackage } from '../support/spot-detector.ts';
import { runWayside } from '../support/wayside.ts';

const folder = temporaryFolder();
const SIDE = 64;

/** Black, but for one bright cell of 8x8 pixels in the fourth row and column. */
async function writeSpot(path: string): Promise<void> {
  const spot = sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } }).png();
  const black = sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#000' } });
  await black
    .composite([{ input: await spot.toBuffer(), left: 24, top: 24 }])
    .png()
    .toFile(path);
}

/** The detector says that a car of 24x24 pixels is around it. */
const coco = (name: string, bbox: readonly number[]) => ({
  images: [{ id: 7, file_name: 'night/spot.png', width: SIDE, height: SIDE }],
  categories: [{ id: 3, name }],
  annotations: [{ id: 1, image_id: 7, category_id: 3, bbox }],
});

describe('a detector beside labelled boxes', () => {
  const images = () => join(folder(), 'images');
  beforeAll(async () => {
    await mkdir(join(images(), 'night'), { recursive: true });
    await writeSpot(join(images(), 'night', 'spot.png'));
    await writeSpot(join(images(), 'other.png'));
    await writeModel(spotDetector(), join(folder(), 'spots.onnx'));
    await writeSpotPackage(join(folder(), 'spots'));
  });

  async function evaluated(labels: unknown, ...more: readonly string[]) {
    await writeFile(join(folder(), 'boxes.json'), typeof labels === 'string' ? labels : JSON.stringify(labels));
    const args = ['evaluate', 'spots', '--data', 'images:images', '--boxes', 'boxes.json', '--json', ...more];
    return runWayside(args, { cwd: folder() });
  }

  it('has a mean average precision, images without labels left out', async () => {
    const right = await evaluated(coco('car', [16, 16, 24, 24]), '--reference', 'spots.onnx');
    expect(right.exit).toBe(0);
    expect(JSON.parse(right.stdout)).toMatchObject({
      averagePrecision: { package: 1, reference: 1, images: 1, unlabelled: 1, objects: 1 },
      agreement: { f1: 1, images: 2 },
    });
    const elsewhere = await evaluated(coco('car', [30, 30, 24, 24]));
    expect(JSON.parse(elsewhere.stdout)).toMatchObject({ averagePrecision: { package: 0 } });
  });

  it.each([
    ['another class', coco('tuk-tuk', [0, 0, 8, 8]), 65, 'is no class of the model'],
    ['no JSON', '{', 65, 'DATASET_INVALID'],
    ['another form', { images: [] }, 65, 'categories'],
    ['no image that was looked at', { ...coco('car', [0, 0, 8, 8]), annotations: [] }, 65, 'labels no object'],
  ])('is refused for labels of %s', async (_, labels, exit, said) => {
    expect(await evaluated(labels)).toMatchObject({ exit, stderr: expect.stringContaining(said) as string });
  });
});
