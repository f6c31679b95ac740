import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isSystemError, WaysideError } from '../../core/errors.ts';
import { writeFolderAtomic } from '../../core/files.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { sharedData } from './requirements.ts';

const run = promisify(execFile);

/**
 * Folder with `cifar10/` and `gtsrb/` in the binary layout of CIFAR-10, unpacked once from the shared image sheets
 * into `.cache/data` of the checkout. Tests that call it are under `describeWith({ needs: ['data'] }, ...)`.
 */
export async function unpackedData(): Promise<string> {
  const source = sharedData();
  if (source === undefined) throw new Error('../shared/data is absent: this test should have been skipped');
  const target = join(PACKAGE_ROOT, '.cache', 'data');
  if (existsSync(join(target, 'gtsrb', 'test.bin'))) return target;
  await mkdir(join(PACKAGE_ROOT, '.cache'), { recursive: true });
  try {
    await writeFolderAtomic(target, async (folder) => {
      await run(process.execPath, [join(source, 'unpack.mjs'), folder], { cwd: PACKAGE_ROOT });
    });
  } catch (thrown) {
    // Test files run side by side: whoever came first has put a complete folder there.
    const beaten =
      thrown instanceof WaysideError ? thrown.code === 'OUTPUT_EXISTS' : isSystemError(thrown, 'ENOTEMPTY');
    if (!beaten) throw thrown;
  }
  return target;
}
