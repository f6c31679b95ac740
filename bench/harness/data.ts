import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { runChild } from './child.ts';
import type { Workplace } from './workplace.ts';

/** Shared with the tests, which unpack into the same folder. */
const UNPACKED = join(PACKAGE_ROOT, '.cache', 'data');

/** CIFAR-10 in its binary layout, unpacked from the image sheets of the test data on first use. */
export async function cifar10Folder({ data, signal, say }: Workplace): Promise<string> {
  const folder = join(UNPACKED, 'cifar10');
  if (existsSync(join(folder, 'test_batch.bin'))) return folder;
  say('unpacking CIFAR-10');
  await mkdir(UNPACKED, { recursive: true });
  const fresh = await mkdtemp(join(UNPACKED, '.unpack-'));
  try {
    await runChild(process.execPath, [join(data, 'unpack.mjs'), fresh], { signal });
    await rm(folder, { recursive: true, force: true });
    await rename(join(fresh, 'cifar10'), folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}
