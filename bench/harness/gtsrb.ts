import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeFolderAtomic } from '../../core/files.ts';
import { gtsrbRecords } from './data.ts';
import type { Workplace } from './workplace.ts';

const SIDE = 32;
const PLANE = SIDE * SIDE;
/** One byte of label, then the planes of red, green and blue. */
const RECORD = 1 + 3 * PLANE;

/**
 * GTSRB as a user would have it, a folder of images: `train/CLASS/TRACK/NUMBER.png` and `test/CLASS/NUMBER.png`. The
 * training images are frames of drives towards one sign each; in folders of their own, `wayside train` keeps each drive
 * whole when it sets images aside.
 */
export async function gtsrbFolder(place: Workplace): Promise<string> {
  const folder = join(place.cache, 'gtsrb');
  if (existsSync(folder)) return folder;
  const records = await gtsrbRecords(place);
  const tracks = JSON.parse(await readFile(join(place.data, 'gtsrb', 'gtsrb-train.tracks.json'), 'utf8')) as number[];
  place.say('writing GTSRB as a folder of pictures');
  await writeFolderAtomic(folder, async (fresh) => {
    const train = await readFile(join(records, 'train.bin'));
    await writeImages(train, (label, i) => join(fresh, 'train', label, numbered(tracks[i] ?? i, 3)), place.signal);
    const test = await readFile(join(records, 'test.bin'));
    await writeImages(test, (label) => join(fresh, 'test', label), place.signal);
  });
  return folder;
}

const numbered = (value: number, digits: number): string => String(value).padStart(digits, '0');

async function writeImages(
  records: Buffer,
  folderOf: (label: string, index: number) => string,
  signal: AbortSignal,
): Promise<void> {
  for (let i = 0; i < records.length / RECORD; i++) {
    signal.throwIfAborted();
    const record = records.subarray(i * RECORD, (i + 1) * RECORD);
    const folder = folderOf(numbered(record[0] ?? 0, 2), i);
    await mkdir(folder, { recursive: true });
    await sharp(interleaved(record.subarray(1)), { raw: { width: SIDE, height: SIDE, channels: 3 } })
      .png()
      .toFile(join(folder, `${numbered(i, 5)}.png`));
  }
}

function interleaved(planes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(3 * PLANE);
  for (let pixel = 0; pixel < PLANE; pixel++) {
    for (let channel = 0; channel < 3; channel++) pixels[3 * pixel + channel] = planes[channel * PLANE + pixel]!;
  }
  return pixels;
}
