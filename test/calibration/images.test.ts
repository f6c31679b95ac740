import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset, Sample } from '../../calibration/dataset.ts';
import { openDataset } from '../../calibration/datasets/open.ts';

async function all(dataset: Dataset): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of dataset.samples()) samples.push(sample);
  return samples;
}

const labelsOf = async (dataset: Dataset) => (await all(dataset)).map(({ id, label }) => `${id}=${label}`);

describe('image folders', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-images-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const image = async (path: string, [r, g, b] = [10, 20, 30]): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    const plain = sharp({
      create: { width: 6, height: 4, channels: 3, background: { r: r ?? 0, g: g ?? 0, b: b ?? 0 } },
    });
    await plain.png().toFile(join(folder, path));
  };
  const images = async (...paths: string[]): Promise<void> => {
    for (const path of paths) await image(path);
  };
  const open = (split: 'train' | 'test' = 'test', labels?: string) =>
    openDataset(`images:${folder}`, split, labels === undefined ? {} : { labels: join(folder, labels) });

  it('take the class from the folder, in the order of the alphabet', async () => {
    await images('truck/2.png', 'truck/1.png', 'car/x.png', 'car/deep/y.png');
    await writeFile(join(folder, 'truck', 'notes.txt'), 'no image');
    const dataset = await open();
    expect(dataset.classes).toEqual(['car', 'truck']);
    expect(await labelsOf(dataset)).toEqual(['car/x.png=0', 'car/deep/y.png=0', 'truck/1.png=1', 'truck/2.png=1']);
  });

  it('take folders that are numbers as the numbers of their classes', async () => {
    await images('10/a.png', '9/b.png');
    expect(await labelsOf(await open())).toEqual(['10/a.png=10', '9/b.png=9']);
  });

  it('take the class from the digits before the name', async () => {
    await images('010_brambling.png', '002_great_white_shark.png');
    expect(await labelsOf(await open())).toEqual(['002_great_white_shark.png=2', '010_brambling.png=10']);
  });

  it('honour train and test, and number the classes of both alike', async () => {
    await images('train/bus/1.png', 'train/car/2.png', 'val/car/3.png');
    expect(await labelsOf(await open('train'))).toEqual(['bus/1.png=0', 'car/2.png=1']);
    expect(await labelsOf(await open('test'))).toEqual(['car/3.png=1']);
  });

  it.each([
    ['an index', 'a.png 7\nsub/b c.png\t2\n# a comment\n', ['a.png=7', 'sub/b c.png=2'], undefined],
    ['a name', 'a.png,zebra\nsub/b c.png,ant\n', ['a.png=1', 'sub/b c.png=0'], ['ant', 'zebra']],
  ])('take the class from a file as %s', async (_, text, expected, classes) => {
    await images('a.png', 'sub/b c.png', 'sub/unlabelled.png');
    await writeFile(join(folder, 'labels.txt'), text);
    const dataset = await open('test', 'labels.txt');
    expect(await labelsOf(dataset)).toEqual(expected);
    expect(dataset.classes).toEqual(classes);
  });

  it('read paths with dots and spaces in them, and paths from the top of a divided set', async () => {
    await images('test/a.b c.png', 'train/d.png');
    await writeFile(join(folder, 'labels.txt'), 'test/a.b c.png big truck\ntrain/d.png car\n');
    expect(await labelsOf(await open('test', 'labels.txt'))).toEqual(['a.b c.png=0']);
  });

  it('take the names and numbers of the classes from a file', async () => {
    await images('car/1.png', 'truck/2.png');
    await writeFile(join(folder, 'names.txt'), 'bus\ntruck\ncar\n');
    const dataset = await open('test', 'names.txt');
    expect(await labelsOf(dataset)).toEqual(['car/1.png=2', 'truck/2.png=1']);
    expect(dataset.classes).toEqual(['bus', 'truck', 'car']);
  });

  it('refuse images without a class, mixed label files and folders without images', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    await images('loose.png');
    await expect(open()).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringContaining('loose.png'),
    });
    await writeFile(join(folder, 'mixed.txt'), 'loose.png 1\nzebra\n');
    await expect(open('test', 'mixed.txt')).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    await expect(open('test', 'none.txt')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('decode greyscale, palettes, transparency and 16 bits to three channels of 8', async () => {
    await mkdir(join(folder, 'c'));
    const base = (channels: 3 | 4) =>
      sharp({ create: { width: 4, height: 4, channels, background: { r: 90, g: 90, b: 90, alpha: 1 } } });
    await base(3).greyscale().png().toFile(join(folder, 'c/grey.png'));
    await base(3).png({ palette: true }).toFile(join(folder, 'c/palette.png'));
    await base(4).png().toFile(join(folder, 'c/alpha.png'));
    await base(3).toColourspace('rgb16').png().toFile(join(folder, 'c/deep.png'));
    for (const { id, image } of await all(await open())) {
      expect([id, image.data.length, image.data[0], image.data[47]]).toEqual([id, 48, 90, 90]);
    }
  });

  it('turn images upright', async () => {
    await mkdir(join(folder, 'c'));
    const upright = Buffer.from(Uint8Array.from({ length: 6 * 4 * 3 }, (_, i) => (i < 6 * 2 * 3 ? 250 : 5)));
    const raw = sharp(upright, { raw: { width: 6, height: 4, channels: 3 } });
    await raw.rotate(90).withMetadata({ orientation: 8 }).png().toFile(join(folder, 'c/turned.png'));
    const [sample] = await all(await open());
    expect([sample?.image.width, sample?.image.height]).toEqual([6, 4]);
    expect([...(sample?.image.data ?? [])]).toEqual([...upright]);
  });

  it('name the image that cannot be decoded, after those before it', async () => {
    await images('c/1.png');
    await writeFile(join(folder, 'c/2.png'), 'no image at all');
    const seen: string[] = [];
    const streaming = (async () => {
      for await (const { id } of (await open()).samples()) seen.push(id);
    })();
    await expect(streaming).rejects.toMatchObject({ code: 'IMAGE_DECODE', message: expect.stringContaining('2.png') });
    expect(seen).toEqual(['c/1.png']);
  });

  it('have a digest that follows images and labels', async () => {
    await images('a/1.png', 'b/2.png');
    const before = await (await open()).digest();
    expect(await (await open()).digest()).toBe(before);
    await image('a/1.png', [0, 0, 0]);
    expect(await (await open()).digest()).not.toBe(before);
  });
});
