import { join } from 'node:path';
import { expect, it } from 'vitest';
import { calibrate } from '../../calibration/calibrate.ts';
import { openDataset } from '../../calibration/datasets/open.ts';
import { evaluate } from '../../calibration/evaluate.ts';
import { defaultPreprocessing } from '../../inference/default-preprocessing.ts';
import { parseNormalization } from '../../inference/normalization.ts';
import { openSession } from '../../inference/session.ts';
import { readModel } from '../../onnx/file/read.ts';
import { unpackedData } from '../support/data.ts';
import { describeWith, sharedData } from '../support/requirements.ts';

async function accuracy(model: string, spec: string, normalize = 'imagenet'): Promise<{ top1: number; top5: number }> {
  const session = await openSession(join(sharedData() ?? '', 'models', model), { threads: 1 });
  try {
    const preprocessing = defaultPreprocessing(session.input.shape, { normalize: parseNormalization(normalize) });
    return await evaluate(session, await openDataset(spec, 'test'), { preprocessing });
  } finally {
    await session.close();
  }
}

describeWith({ needs: ['data'] }, 'published models', () => {
  // 91.73% and 93.39% are published for all 10,000 test images; these are the first 5,000, on which ONNX Runtime called
  // from Python with NumPy's normalisation gives 91.50% and 92.96%.
  it.each([
    ['resnet20', 0.915],
    ['resnet56', 0.9296],
  ])('%s reaches its accuracy on CIFAR-10', async (name, expected) => {
    const { top1 } = await accuracy(
      `resnet-cifar10/${name}-cifar10.onnx`,
      `cifar10:${join(await unpackedData(), 'cifar10')}`,
    );
    expect(Math.abs(top1 - expected)).toBeLessThanOrEqual(0.0004);
  });

  it('SqueezeNet reaches its accuracy on photographs, which it needs blue first', async () => {
    const spec = `images:${join(sharedData() ?? '', 'imagenet-sample')}`;
    const { top1, top5 } = await accuracy('squeezenet/squeezenet_v1.0_deepcompression_fp32.onnx', spec, 'caffe');
    expect(top1).toBeGreaterThan(0.6);
    expect(top5).toBeGreaterThan(0.8);
  });

  it('traffic signs in the layout of CIFAR-10 are read with their 43 classes', async () => {
    const dataset = await openDataset(`cifar10:${join(await unpackedData(), 'gtsrb')}`, 'train');
    const seen = new Set<number>();
    for await (const { label } of dataset.samples()) seen.add(label);
    expect([dataset.size, seen.size, Math.max(...seen), dataset.classes]).toEqual([13_070, 43, 42, undefined]);
  });

  it('a real model is calibrated on 512 images', async () => {
    const model = await readModel(join(sharedData() ?? '', 'models/resnet-cifar10/resnet20-cifar10.onnx'));
    const dataset = await openDataset(`cifar10:${join(await unpackedData(), 'cifar10')}`, 'train');
    const preprocessing = defaultPreprocessing(['N', 3, 32, 32]);
    const table = await calibrate(model, dataset, { preprocessing });
    const ranges = Object.values(table.values).map((value) => value.ranges.mse);
    expect(ranges.length).toBeGreaterThan(50);
    expect(ranges.every(({ min, max }) => min < max)).toBe(true);
    // The darkest and lightest pixels, normalised: (0 - 0.485) / 0.229 and (1 - 0.406) / 0.225.
    expect(table.values['input']?.ranges.minmax.min).toBeGreaterThanOrEqual(-2.118);
    expect(table.values['input']?.ranges.minmax.max).toBeCloseTo(2.64, 1);
  });
});
