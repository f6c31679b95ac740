import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../inference/package.ts';
import { readModel } from '../../onnx/file/read.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { colourClassifier, writeColours } from '../support/tiny-classifier.ts';
import { until } from '../support/until.ts';
import { runWayside, startWayside } from '../support/wayside.ts';

const COLOURS = Array.from({ length: 90 }, (_, i) => i % 3);
const SMALL = ['--epochs', '3', '--batch', '16', '--rate', '0.05', '--augment', 'crop', '--validation', '0.3'];

/** Not a terminal: one line an epoch. */
const EPOCH_LINES = expect.stringMatching(/^(epoch [123]\/3: loss .*\n){3}$/);

describe('wayside train and finetune', () => {
  const folder = temporaryFolder();
  const data = () => `cifar10:${join(folder(), 'data')}`;
  const inside = (name: string) => join(folder(), name);
  beforeAll(async () => {
    await writeColours(inside('data'), COLOURS);
    await writeModel(colourClassifier(), inside('colours.onnx'));
  });

  it('trains a network that evaluate and inspect take, and says how it went', async () => {
    const out = inside('net.onnx');
    const run = await runWayside([
      'train',
      'signnet',
      '--data',
      data(),
      '--out',
      out,
      ...SMALL,
      '--normalize',
      'unit',
      '--json',
    ]);
    expect(run).toMatchObject({ exit: 0, stderr: EPOCH_LINES });
    const document = JSON.parse(run.stdout) as { accuracy: number; epochs: unknown[] };
    expect(document).toMatchObject({ of: 'signnet', model: out, classes: 3, trained: 63, validated: 27 });
    expect(document.epochs).toHaveLength(3);
    expect(existsSync(`${out}.checkpoint`)).toBe(false);
    expect((await readModel(out)).metadata.get('wayside.normalize')).toBe('0,0,0/1,1,1');

    const evaluated = await runWayside(['evaluate', out, '--data', data(), '--json']);
    expect((JSON.parse(evaluated.stdout) as { top1: number }).top1).toBeGreaterThan(0.9);
    expect((await openModel(out)).bytes).toBeGreaterThan(70_000 * 4);
  });

  it('leaves an existing file alone unless told otherwise', async () => {
    const out = inside('colours.onnx');
    const run = await runWayside(['train', 'signnet', '--data', data(), '--out', out, ...SMALL]);
    expect(run.exit).toBe(64);
    expect(run.stderr).toMatch(/^error OUTPUT_EXISTS/m);
  });

  it('learns from a teacher alone where its weight is 1, in two processes, and refuses a weight of nobody', async () => {
    const base = ['train', 'signnet', '--data', data(), '--out', inside('taught.onnx'), '--normalize', 'unit'];
    const settings = [
      '--epochs',
      '3',
      '--batch',
      '32',
      '--threads',
      '2',
      '--rate',
      '0.05',
      '--augment',
      'crop',
      '--json',
    ];
    const nobody = await runWayside([...base, ...settings, '--teacher-weight', '1']);
    expect(nobody.exit).toBe(64);
    expect(nobody.stderr).toMatch(/^error USAGE: --teacher-weight/m);
    const lossOf = async (weight: string): Promise<number> => {
      const teacher = ['--teacher', inside('colours.onnx'), '--teacher-weight', weight, '--force'];
      const { stdout } = await runWayside([...base, ...settings, ...teacher]);
      return (JSON.parse(stdout) as { epochs: { loss: number }[] }).epochs[0]!.loss;
    };
    expect(await lossOf('1')).not.toBeCloseTo(await lossOf('0'), 2);
  });

  it('gives a model a head for as many classes as asked, and trains that alone', async () => {
    const out = inside('five.onnx');
    const from = inside('colours.onnx');
    const run = await runWayside([
      'finetune',
      from,
      '--data',
      data(),
      '--out',
      out,
      ...SMALL,
      '--classes',
      '5',
      '--freeze',
      '--json',
    ]);
    expect(run).toMatchObject({ exit: 0, stderr: EPOCH_LINES });
    const { graph } = await readModel(out);
    const before = (await readModel(from)).graph;
    expect(graph.initializers.get('weight')?.dims).toEqual([5, 3]);
    expect(graph.initializers.get('filter')?.bytes).toEqual(before.initializers.get('filter')?.bytes);
    expect(graph.outputs[0]?.shape?.[1]).toBe(5);
  });

  it('refuses fewer classes than the images have', async () => {
    const args = ['--data', data(), '--out', inside('two.onnx'), ...SMALL, '--classes', '2'];
    const run = await runWayside(['finetune', inside('colours.onnx'), ...args]);
    expect(run.exit).toBe(64);
    expect(run.stderr).toContain('the data set has 3');
  });

  it('names the architectures and the augmentations there are', async () => {
    const unknown = await runWayside(['train', 'resnet21', '--data', data(), '--out', inside('x.onnx')]);
    expect(unknown.exit).toBe(64);
    expect(unknown.stderr).toContain('resnet20');
    const augment = await runWayside([
      'train',
      'resnet20',
      '--data',
      data(),
      '--out',
      inside('x.onnx'),
      '--augment',
      'spin',
    ]);
    expect(augment.stderr).toContain('cutout');
  });

  it('says when it is stopped what it leaves to go on from', async () => {
    const out = inside('stopped.onnx');
    const { child, done } = startWayside([
      'train',
      'signnet',
      '--data',
      data(),
      '--out',
      out,
      ...SMALL,
      '--epochs',
      '5000',
    ]);
    await until('a checkpoint', () => existsSync(`${out}.checkpoint`));
    child.kill('SIGTERM');
    const run = await done;
    expect(run.exit).toBe(130);
    expect(run.stderr).toContain(
      `error INTERRUPTED: stopped by a signal; what was done lies in ${out}.checkpoint\nhint: `,
    );
    expect(run.stderr).not.toContain('nothing was left');
  });
});
