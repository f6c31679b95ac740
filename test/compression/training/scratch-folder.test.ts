import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../compression/training/data-parallel/scratch-folder.ts';
import { temporaryFolder } from '../../support/folder.ts';

describe('the folder of a training', () => {
  const folder = temporaryFolder();

  it('sweeps what killed trainings left, and nothing else', async () => {
    const ended = spawn('true');
    await once(ended, 'exit');
    const names = [
      `wayside-training-${ended.pid}-a`,
      `wayside-training-${process.ppid}-b`,
      'wayside-training-x',
      'other',
    ];
    for (const name of names) await mkdir(join(folder(), name));
    const scratch = await scratchFolder(folder());
    expect(existsSync(scratch.path)).toBe(true);
    await scratch.remove();
    expect(new Set(await readdir(folder()))).toEqual(new Set(names.slice(1)));
  });
});
