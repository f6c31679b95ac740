import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compress } from '../../../exporter/commands/compress.ts';
import { unpackedData } from '../../support/data.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith, sharedData } from '../../support/requirements.ts';

/** Limits of the issue: what quantizing and clustering may cost, in points, on 5,000 test images. */
describeWith({ needs: ['data'] }, 'published networks, calibrated on 512 images', () => {
  const folder = temporaryFolder();
  test.each([
    ['resnet20', undefined, 0.3, 3.7],
    ['resnet20', 16, 1.0, 6],
    ['resnet56', 16, 0.5, 6],
  ])('%s with %s clusters loses at most %f points and is %f times smaller', async (name, clusters, loss, smaller) => {
    const { baseline, candidate, fused, uniqueWeights } = await compress({
      model: join(sharedData() ?? '', 'models', 'resnet-cifar10', `${name}-cifar10.onnx`),
      data: `cifar10:${join(await unpackedData(), 'cifar10')}`,
      out: join(folder(), `${name}-${clusters}`),
      clusters,
      threads: 1, // another file has the other processor
    });
    expect(candidate.samples).toBe(5000);
    expect((baseline.top1 - candidate.top1) * 100).toBeLessThanOrEqual(loss);
    expect(baseline.bytes / candidate.bytes).toBeGreaterThanOrEqual(smaller);
    expect(fused.float).toEqual([]);
    if (clusters !== undefined) expect(uniqueWeights.after).toBeLessThanOrEqual(clusters * fused.quantized);
  });
});

describeWith({ needs: ['data'] }, 'a budget on a published network', () => {
  const folder = temporaryFolder();
  test('ResNet20 at 4 clusters loses more than 1 point; with a budget of 1 it is kept finer and does not', async () => {
    const options = {
      model: join(sharedData() ?? '', 'models', 'resnet-cifar10', 'resnet20-cifar10.onnx'),
      data: `cifar10:${join(await unpackedData(), 'cifar10')}`,
      clusters: 4,
      threads: 1,
    };
    const held = await compress({ ...options, out: join(folder(), 'held'), budget: 1 });
    // What is lost on images that nothing is decided on, before anything is kept finer.
    expect(held.budget?.heldOut[0]).toBeGreaterThan(3);
    expect((held.baseline.top1 - held.candidate.top1) * 100).toBeLessThanOrEqual(1);
    expect(held.budget?.wider.length).toBeGreaterThan(0);
    expect(held.baseline.bytes / held.candidate.bytes).toBeGreaterThan(6);
  });
});
