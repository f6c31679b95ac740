import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPackage } from '../../inference/read-package.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { colourClassifier, writeColours } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';

describe('--rounding nearest', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  const run = (command: string, out: string, ...more: string[]) =>
    runWayside([
      command,
      at('colours.onnx'),
      '--data',
      `cifar10:${at('data')}`,
      '--out',
      at(out),
      '--normalize',
      'unit',
      ...more,
    ]);
  const planOf = async (out: string): Promise<unknown> => (await readPackage(at(out))).manifest.plan;

  beforeAll(async () => {
    await writeModel(colourClassifier(), at('colours.onnx'));
    await writeColours(at('data'), [0, 1, 2, 0, 1, 2, 1, 0]);
  });

  it('is in the plan, with min-max ranges unless others are asked for; by default the plan says nothing of it', async () => {
    expect((await run('compress', 'nearest', '--rounding', 'nearest')).exit).toBe(0);
    expect(await planOf('nearest')).toMatchObject({ rounding: 'nearest', range: 'minmax', equalize: false });
    expect((await run('compress', 'mse', '--rounding', 'nearest', '--range', 'mse')).exit).toBe(0);
    expect(await planOf('mse')).toMatchObject({ rounding: 'nearest', range: 'mse' });
    expect((await run('compress', 'default', '--rounding', 'output')).exit).toBe(0);
    expect(await planOf('default')).not.toHaveProperty('rounding');
  });

  it('is an option of quantize as well, with labels and without', async () => {
    const labelled = await run('quantize', 'labelled.onnx', '--rounding', 'nearest');
    expect(labelled.stdout).toContain('ranges by minmax');
    const unlabelled = await run('quantize', 'unlabelled.onnx', '--rounding', 'nearest', '--unlabelled');
    expect(unlabelled.exit).toBe(0);
    expect((await run('quantize', 'other.onnx', '--rounding', 'up')).exit).toBe(64);
  });
});
