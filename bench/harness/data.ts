import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { runChild } from './process/child.ts';
import type { Workplace } from './workplace.ts';

/** Shared with the tests, which unpack into the same folder. */
const UNPACKED = join(PACKAGE_ROOT, '.cache', 'data');

/** CIFAR-10 in its binary layout, unpacked from the image sheets of the test data on first use. */
export const cifar10Folder = (place: Workplace): Promise<string> => unpacked('cifar10', 'test_batch.bin', place);

/** GTSRB in the same layout: `train.bin` and `test.bin`. */
export const gtsrbRecords = (place: Workplace): Promise<string> => unpacked('gtsrb', 'test.bin', place);

/** A float model that was trained for the test data and lies there in parts. */
export const unpackedModel = async (file: string, place: Workplace): Promise<string> =>
  join(await unpacked('models', file, place), file);

async function unpacked(set: string, last: string, { data, signal, say }: Workplace): Promise<string> {
  const folder = join(UNPACKED, set);
  if (existsSync(join(folder, last))) return folder;
  say(`unpacking ${set}`);
  await mkdir(UNPACKED, { recursive: true });
  const fresh = await mkdtemp(join(UNPACKED, '.unpack-'));
  try {
    await runChild(process.execPath, [join(data, 'unpack.mjs'), fresh], { signal });
    await rm(folder, { recursive: true, force: true });
    await rename(join(fresh, set), folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}
