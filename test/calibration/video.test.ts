import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Dataset } from '../../calibration/dataset.ts';
import { openDataset } from '../../calibration/datasets/open.ts';
import { openVideo } from '../../calibration/datasets/video.ts';
import { temporaryFolder } from '../support/folder.ts';
import { describeWith } from '../support/requirements.ts';
import { writeSpotVideo } from '../support/spot-detector.ts';

const folder = temporaryFolder();

/** Row of the first bright pixel of each frame. */
async function rowsOf(set: Dataset, indices?: readonly number[]): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for await (const { id, image } of set.samples(indices))
    found.push([id, Math.floor(image.data.findIndex((byte) => byte > 128) / (3 * image.width))]);
  return found;
}

describeWith({ needs: ['ffmpeg'] }, 'frames of a video', () => {
  beforeAll(() => writeSpotVideo(join(folder(), 'spot.mkv')));

  it('are two a second, in any order that is asked for, the same again', async () => {
    const set = await openDataset(`video:${join(folder(), 'spot.mkv')}`, 'test', { unlabelled: true });
    expect(set.size).toBe(12);
    const all = await rowsOf(set);
    expect(all.map(([id]) => id)).toEqual(Array.from({ length: 12 }, (_, i) => `spot.mkv#${i}`));
    // It falls by 8 pixels a second; frames are those nearest to each half second.
    for (const [i, [, row]] of all.entries()) expect(Math.abs(row - 4 * i)).toBeLessThanOrEqual(3);
    expect(await rowsOf(set, [7, 2, 2, 11, 0])).toEqual([7, 2, 2, 11, 0].map((i) => all[i]));
    expect(await set.digest()).toBe(await set.digest());
  });

  it('of a short one are kept, and are those that would be decoded again', async () => {
    const path = join(folder(), 'short.mkv');
    await copyFile(join(folder(), 'spot.mkv'), path);
    const [kept, decoded] = [await openVideo(path), await openVideo(path, 11 * 2 ** 10)];
    const again = [3, 9, 9, 1];
    const expected = await rowsOf(decoded, again);
    await rm(path);
    expect(await rowsOf(kept, again)).toEqual(expected);
    await expect(rowsOf(decoded, again)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('are refused where a file has none', async () => {
    await expect(openDataset(`video:${folder()}/none.mp4`, 'train', { unlabelled: true })).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
    await expect(openDataset(`video:${import.meta.filename}`, 'train', { unlabelled: true })).rejects.toMatchObject({
      code: 'VIDEO_INVALID',
    });
    await expect(openDataset(`video:${join(folder(), 'spot.mkv')}`, 'train')).rejects.toMatchObject({ code: 'USAGE' });
  });
});
