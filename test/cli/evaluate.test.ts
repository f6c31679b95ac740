import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../onnx/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { colourClassifier, writeColours } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';

describe('wayside evaluate', () => {
  const folder = temporaryFolder();
  const model = () => join(folder(), 'colours.onnx');
  const data = () => `cifar10:${join(folder(), 'data')}`;
  beforeAll(async () => {
    await writeModel(colourClassifier(), model());
    // Eight pictures of red, green, blue, red, ...; the last two are called what they are not.
    await writeColours(join(folder(), 'data'), [0, 1, 2, 0, 1, 2, 1, 0]);
  });

  it('prints the fixed shape and the true shares', async () => {
    const run = await runWayside(['evaluate', model(), '--data', data(), '--normalize', 'unit', '--json']);
    expect(run.exit).toBe(0);
    const document = JSON.parse(run.stdout) as Record<string, number>;
    expect(new Set(Object.keys(document))).toEqual(new Set(['top1', 'top5', 'samples', 'latencyMs', 'bytes']));
    expect(document).toMatchObject({ top1: 6 / 8, top5: 1, samples: 8 });
    expect(document['latencyMs']).toBeGreaterThan(0);
    expect(document['bytes']).toBeGreaterThan(84); // 21 floats and their names
  });

  it('uses as many pictures as asked', async () => {
    const run = await runWayside([
      'evaluate',
      model(),
      '--data',
      data(),
      '--normalize',
      'unit',
      '--limit',
      '3',
      '--json',
    ]);
    expect(JSON.parse(run.stdout)).toMatchObject({ samples: 3 });
  });

  it('prints a table for a person', async () => {
    const run = await runWayside(['evaluate', model(), '--data', data(), '--normalize', '0,0,0/1,1,1']);
    expect(run.stdout).toMatch(/^top-1 +75\.00 %$/m);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
  });

  it('refuses a normalisation it cannot read', async () => {
    const run = await runWayside(['evaluate', model(), '--data', data(), '--normalize', 'imagnet']);
    expect(run).toMatchObject({ exit: 64, stdout: '' });
  });
});
