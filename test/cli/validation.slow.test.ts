import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { colourClassifier, writeColours } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';
import { wideClassifier } from '../support/wide-classifier.ts';

const IMAGES = 150;
const ASIDE = { from: 100, to: 130 };
const RECORD = 3073;

/** Every stage that reads images, in one run. */
const EVERYTHING = ['--prune-params', '0.4', '--finetune-epochs', '1', '--clusters', '8', '--qat-epochs', '1'];

interface Compressed {
  readonly baseline: { readonly samples: number; readonly top1: number };
  readonly validation?: { readonly samples: number; readonly baseline: number; readonly candidate: number };
  readonly stages: readonly { readonly name: string; readonly top1: number }[];
}

describe('--validation', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  /** The same set but for the images set aside: there every second pixel is black. */
  beforeAll(async () => {
    await writeModel(wideClassifier(), at('wide.onnx'));
    await writeModel(colourClassifier(), at('colours.onnx'));
    const labels = Array.from({ length: IMAGES }, (_, i) => i % 3);
    for (const name of ['data', 'other']) await writeColours(at(name), labels);
    const path = join(at('other'), 'data_batch_1.bin');
    const bytes = await readFile(path);
    for (let i = ASIDE.from * RECORD; i < ASIDE.to * RECORD; i++) if (i % RECORD > 0 && i % 2 === 0) bytes[i] = 0;
    await writeFile(path, bytes);
  });
  const compress = async (data: string, out: string, ...more: string[]) => {
    const args = ['compress', at('wide.onnx'), '--data', `cifar10:${at(data)}`, '--out', at(out), '--threads', '1'];
    const run = await runWayside([
      ...args,
      '--calibration',
      '48',
      '--normalize',
      'unit',
      ...EVERYTHING,
      ...more,
      '--json',
    ]);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    return JSON.parse(run.stdout) as Compressed;
  };
  const modelOf = (out: string) => readFile(join(at(out), 'model.onnx'));

  it('keeps images from every stage that trains or calibrates: other ones there make the same bytes', async () => {
    const range = `${ASIDE.from}-${ASIDE.to}`;
    const document = await compress('data', 'a', '--validation', range);
    await compress('other', 'b', '--validation', range);
    expect(await modelOf('a')).toEqual(await modelOf('b'));
    await compress('data', 'c');
    await compress('other', 'd');
    expect(await modelOf('c')).not.toEqual(await modelOf('d'));
    expect(document).toMatchObject({ baseline: { samples: IMAGES }, validation: { samples: 30, baseline: 1 } });
    expect(document.stages.map(({ name }) => name)).toEqual([
      'float',
      'prune',
      'reconstruct',
      'finetune',
      'quantize',
      'qat',
    ]);

    // The plan brings the range along; another one is refused.
    const plan = ['--plan', join(at('a'), 'manifest.json'), '--threads', '1'];
    const repeat = ['compress', at('wide.onnx'), '--data', `cifar10:${at('data')}`, '--normalize', 'unit', ...plan];
    expect(await runWayside([...repeat, '--out', at('e')])).toMatchObject({ exit: 0 });
    expect(await modelOf('e')).toEqual(await modelOf('a'));
    const other = await runWayside([...repeat, '--out', at('f'), '--validation', '0-30']);
    expect(other).toMatchObject({ exit: 64, stderr: expect.stringContaining('made with 100-130') });
  });

  it('is what stages are measured on, apart from the test part', async () => {
    // Half of the images aside are called what they are not.
    await writeColours(
      at('half'),
      Array.from({ length: 60 }, (_, i) => (i % 2 === 0 && i < 30 ? (i + 1) % 3 : i % 3)),
    );
    await writeColours(
      at('right'),
      Array.from({ length: 60 }, (_, i) => i % 3),
    );
    await writeFile(join(at('half'), 'test_batch.bin'), await readFile(join(at('right'), 'test_batch.bin')));
    const args = [
      'prune',
      at('wide.onnx'),
      '--data',
      `cifar10:${at('half')}`,
      '--normalize',
      'unit',
      '--params',
      '0.3',
    ];
    const run = await runWayside([
      ...args,
      '--calibration',
      '24',
      '--out',
      at('p.onnx'),
      '--validation',
      '0-30',
      '--json',
    ]);
    expect(JSON.parse(run.stdout)).toMatchObject({ stages: [{ name: 'float', top1: 0.5 }, {}, {}] });
    const evaluate = [
      'evaluate',
      at('colours.onnx'),
      '--data',
      `cifar10:${at('half')}`,
      '--normalize',
      'unit',
      '--json',
    ];
    const figures = async (...more: string[]) => JSON.parse((await runWayside([...evaluate, ...more])).stdout);
    expect(await figures('--validation', '0-30')).toMatchObject({ samples: 30, top1: 0.5 });
    expect(await figures('--validation', '30-')).toMatchObject({ samples: 30, top1: 1 });
    expect(await figures('--test', '0-3,50-57')).toMatchObject({ samples: 10, top1: 1 });
  });

  it('of train and finetune is a share as before, or a range', async () => {
    const train = ['train', 'signnet', '--data', `cifar10:${at('data')}`, '--epochs', '1', '--batch', '16', '--json'];
    const run = await runWayside([...train, '--normalize', 'unit', '--out', at('n.onnx'), '--validation', '100-130']);
    expect(JSON.parse(run.stdout)).toMatchObject({ trained: 120, validated: 30 });
    const refused = await runWayside([...train, '--out', at('m.onnx'), '--validation', '130-100']);
    expect(refused).toMatchObject({ exit: 64, stderr: expect.stringContaining('37500-40000') });
    const past = await runWayside([...train, '--out', at('m.onnx'), '--validation', '100-151']);
    expect(past).toMatchObject({ exit: 65, stderr: expect.stringContaining('DATASET_INVALID') });
  });
});
