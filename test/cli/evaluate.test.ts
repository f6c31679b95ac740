import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../onnx/file/write.ts';
import { float32Tensor } from '../../onnx/tensor.ts';
import { temporaryFolder } from '../support/folder.ts';
import { colourClassifier, writeColours } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';

describe('wayside evaluate', () => {
  const folder = temporaryFolder();
  const model = () => join(folder(), 'colours.onnx');
  const data = () => `cifar10:${join(folder(), 'data')}`;
  beforeAll(async () => {
    await writeModel(colourClassifier(), model());
    // Eight images of red, green, blue, red, ...; the last two are called what they are not.
    await writeColours(join(folder(), 'data'), [0, 1, 2, 0, 1, 2, 1, 0]);
  });

  it('prints the fixed shape and the true shares', async () => {
    const run = await runWayside(['evaluate', model(), '--data', data(), '--normalize', 'unit', '--json']);
    expect(run.exit).toBe(0);
    const document = JSON.parse(run.stdout) as Record<string, number>;
    expect(new Set(Object.keys(document))).toEqual(
      new Set(['top1', 'top1Interval', 'top5', 'samples', 'latencyMs', 'bytes']),
    );
    expect(document).toMatchObject({ top1: 6 / 8, top5: 1, samples: 8 });
    // Wilson's interval of 6 of 8.
    expect(document['top1Interval']).toEqual([expect.closeTo(0.4093, 4), expect.closeTo(0.9285, 4)]);
    expect(document['latencyMs']).toBeGreaterThan(0);
    expect(document['bytes']).toBeGreaterThan(84); // 21 floats and their names
  });

  it('takes the normalisation that the model notes; another one is followed and remarked', async () => {
    // Pixels turned round: what was the strongest colour becomes the weakest, and no answer stays right.
    const turned = join(folder(), 'turned.onnx');
    const metadata = new Map([['wayside.normalize', '1,1,1/0.01,0.01,0.01']]);
    const minus = Float32Array.of(-1, 0, 0, 0, -1, 0, 0, 0, -1);
    const { graph, ...rest } = colourClassifier();
    const initializers = new Map(graph.initializers).set('filter', float32Tensor([3, 3, 1, 1], minus));
    await writeModel({ ...rest, metadata, graph: { ...graph, initializers } }, turned);
    const noted = await runWayside(['evaluate', turned, '--data', data(), '--json']);
    expect(noted).toMatchObject({ exit: 0, stderr: '' });
    const same = await runWayside(['evaluate', turned, '--data', data(), '--normalize', '1,1,1/0.01,0.01,0.01']);
    expect(same).toMatchObject({ exit: 0, stderr: '' });
    const other = await runWayside(['evaluate', turned, '--data', data(), '--normalize', 'unit', '--json']);
    expect(other.stderr).toMatch(/^note: .*--normalize 1,1,1\/0\.01,0\.01,0\.01; it gets unit, as asked$/m);
    const top1 = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as { top1: number }).top1;
    expect(top1(noted)).not.toBe(top1(other));
  });

  it('uses as many images as asked', async () => {
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
    expect(run.stdout).toMatch(/^top-1 +75\.00 % \(95 %: 40\.9 to 92\.9 %\)$/m);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
  });

  it('refuses a normalisation it cannot read', async () => {
    const run = await runWayside(['evaluate', model(), '--data', data(), '--normalize', 'imagnet']);
    expect(run).toMatchObject({ exit: 64, stdout: '' });
  });
});
