import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { describeWith, sharedData } from '../support/requirements.ts';
import { colourClassifier } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';

describe('wayside inspect', () => {
  const folder = temporaryFolder();
  const model = () => join(folder(), 'colours.onnx');
  beforeAll(() => writeModel(colourClassifier(), model()));

  it('counts what can be counted by hand', async () => {
    const run = await runWayside(['inspect', model(), '--json']);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toMatchObject({
      opsets: { 'ai.onnx': 13 },
      irVersion: 8,
      inputs: [{ name: 'image', type: 'float32', shape: ['N', 3, 32, 32] }],
      outputs: [{ name: 'scores', type: 'float32', shape: ['N', 3] }],
      operators: { Conv: 1, Relu: 1, GlobalAveragePool: 1, Flatten: 1, Gemm: 1 },
      parameters: 9 + 9 + 3,
      macs: 32 * 32 * 3 * 3 + 3 * 3,
      flops: 2 * (32 * 32 * 3 * 3 + 3 * 3),
      uniqueWeights: 4, // 0 and 1 in each of two layers
      quantized: 'no',
      package: null,
    });
  });

  it('says the same to a person, without colours where nobody sees them', async () => {
    const run = await runWayside(['inspect', model(), '--layers']);
    expect(run.stdout).toContain('image float32 [N, 3, 32, 32]');
    expect(run.stdout).toMatch(/^parameters +21$/m);
    expect(run.stdout).toMatch(/^Conv_?\d* +Conv +9 +2 +float$/m);
    expect(run.stdout).not.toContain('\u001b');
  });
});

describeWith({ needs: ['data'] }, 'wayside inspect on ResNet20', () => {
  it('finds the published parameters and multiply-accumulates', async () => {
    const path = join(sharedData() ?? '', 'models', 'resnet-cifar10', 'resnet20-cifar10.onnx');
    const found = JSON.parse((await runWayside(['inspect', path, '--json'])).stdout) as Record<string, number>;
    // He et al. 2016, table 6: 0.27 M parameters; 40.6 M multiply-accumulates with parameter-free shortcuts.
    expect(found['parameters']).toBeGreaterThan(269_000);
    expect(found['parameters']).toBeLessThan(272_000);
    expect((found['macs'] ?? 0) / 1e6).toBeCloseTo(40.6, 1);
  });
});
