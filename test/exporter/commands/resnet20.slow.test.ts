import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { clusterFile } from '../../../exporter/commands/cluster-file.ts';
import { pruneFile } from '../../../exporter/commands/prune-file.ts';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { sensitivityFile } from '../../../exporter/commands/sensitivity-file.ts';
import { unpackedData } from '../../support/data.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith, sharedData } from '../../support/requirements.ts';

describeWith({ needs: ['data'] }, 'stages of a real network, one by one', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  let options: { model: string; data: string; limit: number; threads: number };
  beforeAll(async () => {
    const model = join(sharedData() ?? '', 'models/resnet-cifar10/resnet20-cifar10.onnx');
    options = { model, data: `cifar10:${join(await unpackedData(), 'cifar10')}`, limit: 1000, threads: 1 };
  });

  it('ResNet20 answers most images when pruned by any criterion and reconstructed, and when quantized after that', async () => {
    const common = { ...options, pruneFlops: 0.3, pruneImages: 256, freeze: ['layer1.0.conv1.weight'] };
    for (const pruneCriterion of ['taylor', 'l2', 'fpgm'] as const) {
      const out = at(`${pruneCriterion}.onnx`);
      const { stages, groups } = await pruneFile({ ...common, pruneCriterion, out });
      const [float, , rebuilt] = stages;
      expect(groups.find(({ name }) => name.startsWith('layer1.0.conv1'))).toMatchObject({ before: 16, after: 16 });
      expect(rebuilt!.flops).toBeLessThanOrEqual(0.7 * (float!.flops ?? 0));
      expect(rebuilt!.top1).toBeGreaterThan(0.75);
    }
    const model = at('taylor.onnx');
    const { stages, fused } = await quantizeFile({ ...options, model, calibration: 128, out: at('int8.onnx') });
    expect(fused).toMatchObject({ quantized: 20, float: [] });
    expect(stages[1]!.top1).toBeGreaterThan(stages[0]!.top1 - 0.02);
  });

  it('16 values a layer cost ResNet20 few answers in float', async () => {
    const clustered = await clusterFile({ ...options, clusters: 16, calibration: 128, out: at('clustered.onnx') });
    expect(clustered.layers.every(({ after }) => after <= 16)).toBe(true);
    expect(clustered.stages![1]!.top1).toBeGreaterThan(0.88);
  });

  it('the first block of ResNet20 gives way more easily than its stem', async () => {
    const { groups } = await sensitivityFile({ ...options, calibration: 128 });
    const last = (name: string) => groups.find((group) => group.name.startsWith(name))!.points.at(-1)!.divergence;
    expect(groups).toHaveLength(12);
    expect(last('layer1.0.conv1')).toBeLessThan(last('conv1'));
  });
});
