import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTable } from '../../calibration/table.ts';
import { readModel } from '../../onnx/file/read.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { NetworkBuilder } from '../exporter/networks.ts';
import { temporaryFolder } from '../support/folder.ts';
import { writeColours } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';
import { wideClassifier } from '../support/wide-classifier.ts';

interface Stages {
  readonly model: string;
  readonly stages: readonly { readonly name: string; readonly top1: number; readonly flops: number }[];
}

describe('commands of single stages', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  beforeAll(async () => {
    await writeModel(wideClassifier(), at('wide.onnx'));
    await writeColours(
      at('data'),
      Array.from({ length: 150 }, (_, i) => i % 3),
    );
  });
  const data = (): string[] => ['--data', `cifar10:${at('data')}`, '--threads', '1'];
  const few = ['--calibration', '48'];
  const run = (...args: string[]) => runWayside(args);
  const documentOf = async (...args: string[]): Promise<unknown> => {
    const { exit, stdout, stderr } = await run(...args, '--json');
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    return JSON.parse(stdout);
  };

  it('quantize without labels what has no top-1', async () => {
    const b = new NetworkBuilder('maps');
    const maps = b.convolution(b.input('image', 'float32', ['N', 3, 32, 32]), 3, 6);
    b.output(b.node('Sigmoid', [maps])[0], 'float32', ['N', 6, 32, 32]);
    await writeModel(b.build({ opset: 13, irVersion: 7 }), at('maps.onnx'));
    const asked = [
      'quantize',
      at('maps.onnx'),
      ...data(),
      ...few,
      '--normalize',
      'unit',
      '--out',
      at('maps-int8.onnx'),
    ];
    const refused = await run(...asked);
    expect(refused).toMatchObject({ exit: 65, stderr: expect.stringContaining('--unlabelled') });
    expect(await documentOf(...asked, '--unlabelled')).toMatchObject({
      model: at('maps-int8.onnx'),
      fused: { quantized: 1, float: [] },
      distance: expect.closeTo(0, 1),
    });
    const loose = await run(...asked, '--tolerance', '0.2', '--force');
    expect(loose).toMatchObject({ exit: 64, stderr: expect.stringContaining('--unlabelled') });
  });

  it('chain from file to file: only the first has to be told how images are normalised', async () => {
    const start = ['prune', at('wide.onnx'), ...data(), ...few, '--out', at('pruned.onnx'), '--normalize', 'unit'];
    const pruned = (await documentOf(
      ...start,
      '--params',
      '0.4',
      '--no-reconstruct',
      '--freeze',
      'conv1.weight',
    )) as Stages & {
      readonly groups: readonly { readonly name: string; readonly before: number; readonly after: number }[];
    };
    expect(pruned).toMatchObject({ model: at('pruned.onnx'), stages: [{ name: 'float', top1: 1 }, { name: 'prune' }] });
    expect(pruned.groups[0]).toEqual({ name: 'conv1.weight', before: 16, after: 16 });
    expect(pruned.groups[1]!.after).toBeLessThan(16);

    const original = ['--original', at('wide.onnx')];
    const rebuild = ['reconstruct', at('pruned.onnx'), ...original, ...data(), ...few, '--out', at('rebuilt.onnx')];
    expect(await documentOf(...rebuild)).toMatchObject({
      model: at('rebuilt.onnx'),
      stages: [{ name: 'pruned' }, { name: 'reconstruct', top1: 1 }],
    });

    const calibrate = ['calibrate', at('rebuilt.onnx'), ...data(), ...few, '--out', at('table.json')];
    const table = await documentOf(...calibrate);
    const { preprocessing, model, values } = await readTable(at('table.json'));
    expect(preprocessing).toMatchObject({ mean: [0, 0, 0], std: [1, 1, 1] });
    expect(table).toMatchObject({ table: at('table.json'), model, values: Object.keys(values).length });

    const given = ['--calibration-table', at('table.json'), '--out', at('int8.onnx')];
    const quantized = await documentOf('quantize', at('rebuilt.onnx'), ...data(), ...few, ...given);
    expect(quantized).toMatchObject({
      model: at('int8.onnx'),
      stages: [{ name: 'float' }, { name: 'quantize', top1: 1 }],
      fused: { quantized: 3, float: [] },
    });
    const { graph, metadata } = await readModel(at('int8.onnx'));
    expect(graph.nodes.some(({ opType }) => opType === 'DequantizeLinear')).toBe(true);
    expect(metadata.get('wayside.normalize')).toBe('0,0,0/1,1,1');
  });

  it('say which groups give way most easily', async () => {
    const document = await documentOf('sensitivity', at('wide.onnx'), ...data(), ...few);
    expect(document).toMatchObject({
      model: at('wide.onnx'),
      groups: [{ name: 'conv1.weight', channels: 16, points: [{ ratio: 0.25, removed: 4 }, {}, {}] }, {}],
    });
    const { stdout } = await run('sensitivity', at('wide.onnx'), ...data(), ...few);
    expect(stdout).toMatch(/^group +channels +without 25 % +kept predictions +without 50 %/m);
    expect(stdout).toMatch(/^conv2\.weight +16 /m);
  });

  it('cluster without any images', async () => {
    const args = ['cluster', at('wide.onnx'), '--clusters', '4', '--out', at('clustered.onnx')];
    const { stdout, exit } = await run(...args);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^layer +weights +distinct +now +error$/m);
    const again = await run(...args);
    expect(again).toMatchObject({ exit: 64, stdout: '' });
    expect(again.stderr).toMatch(/^error OUTPUT_EXISTS: /);
    expect((await run(...args, '--force')).exit).toBe(0);
  });

  it('refuse what cannot be, before anything is written', async () => {
    const out = ['--out', at('never.onnx')];
    const prune = ['prune', at('wide.onnx'), ...data(), ...out];
    for (const [args, exit, message] of [
      [prune, 64, /^error USAGE: no goal to prune to/],
      [[...prune, '--flops', '0.5', '--latency', '0.5'], 64, /cannot be used with/],
      [[...prune, '--flops', '0.5', '--criterion', 'random'], 64, /taylor/],
      [[...prune, '--flops', '0.3', '--freeze', 'conv7', ...few], 64, /^error USAGE: no channels .* conv7$/m],
      [['reconstruct', at('wide.onnx'), '--original', at('wide.onnx'), ...data(), ...out], 64, /was not pruned from/],
      [['cluster', at('wide.onnx'), '--clusters', '1', ...out], 64, /from 2 to 256/],
      [['quantize', at('wide.onnx'), ...data(), ...out, '--calibration-table', at('none.json')], 66, /FILE_NOT_FOUND/],
    ] as const) {
      const refused = await run(...args);
      expect(refused).toMatchObject({ exit, stdout: '' });
      expect(refused.stderr).toMatch(message);
    }
    expect(existsSync(at('never.onnx'))).toBe(false);
  });
});
