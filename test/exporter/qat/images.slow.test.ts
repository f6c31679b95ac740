import { join } from 'node:path';
import { expect, test } from 'vitest';
import { batchesOf } from '../../../calibration/batches.ts';
import type { Dataset } from '../../../calibration/dataset.ts';
import { openDataset } from '../../../calibration/datasets/open.ts';
import { spreadPositions } from '../../../calibration/datasets/positions.ts';
import { runContext } from '../../../core/run/context.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { quantizeByPlan } from '../../../exporter/pipeline/quantize-by-plan.ts';
import { planOf } from '../../../exporter/plan/plan-of.ts';
import { WorkFolder } from '../../../exporter/prune-finetune/work-folder.ts';
import { convert } from '../../../exporter/qat/convert.ts';
import { fakeQuantize } from '../../../exporter/qat/fake-quantize.ts';
import { trainFakeQuantized } from '../../../exporter/qat/qat-stage.ts';
import { quantizeModel } from '../../../exporter/quantize/quantize-model.ts';
import { predictionsOf } from '../../../exporter/search/predictions.ts';
import { defaultPreprocessing } from '../../../inference/default-preprocessing.ts';
import { parseNormalization } from '../../../inference/normalization.ts';
import { argMax } from '../../../inference/scores.ts';
import { floatsOf, openSession } from '../../../inference/session.ts';
import { readModel } from '../../../onnx/file/read.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import { upgradeOpset } from '../../../onnx/opset.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { unpackedData } from '../../support/data.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith, sharedData } from '../../support/requirements.ts';

const preprocessing = defaultPreprocessing([1, 3, 32, 32], { normalize: parseNormalization('cifar10') });
const IMAGES = 500;

/** Every so many of the images. */
function some(dataset: Dataset, size: number): Dataset {
  const positions = spreadPositions(dataset.size, size) ?? [];
  return {
    ...dataset,
    size,
    digest: () => dataset.digest(),
    samples: (indices) => dataset.samples(indices?.map((i) => positions[i]!) ?? positions),
  };
}

describeWith({ needs: ['data'] }, 'ResNet20 with 4 clusters, trained with its rounding simulated', () => {
  const folder = temporaryFolder();

  test('answers real images in integer kernels as the simulation did', async () => {
    const data = `cifar10:${join(await unpackedData(), 'cifar10')}`;
    const train = some(await openDataset(data, 'train'), 1280);
    const held = await openDataset(data, 'test');
    const file = join(sharedData() ?? '', 'models', 'resnet-cifar10', 'resnet20-cifar10.onnx');
    const folded = await runPasses(upgradeOpset(await readModel(file), 13), FOLDING);
    const outline = planOf({ clusters: 4, qatEpochs: 1, calibration: 128, range: 'mse' });
    const context = runContext({ threads: 1 });
    const made = await quantizeByPlan(folded, train, outline, { preprocessing }, context);
    const { float: source, chosen, plan } = made;
    const simulated = fakeQuantize(source, chosen, 64);
    const trained = await trainFakeQuantized(simulated, {
      ...context,
      ...{ train, preprocessing, teacher: { model: folded }, plan: plan.qat!, seed: 0 },
      work: new WorkFolder(join(folder(), 'package'), 'qat'),
    });
    const settled = await convert(trained, simulated, source, chosen.weights);
    const written = quantizeModel(source, { ...chosen, ...settled });

    const indices = spreadPositions(held.size, IMAGES)!;
    const { probabilities, labels } = await predictionsOf(written, {
      dataset: held,
      indices,
      preprocessing,
      threads: 1,
    });
    const answers = probabilities.map((each) => argMax(each));
    const trainedFor: number[] = [];
    const session = await openSession(encodeModel(trained), { optimization: 'disabled' });
    try {
      for await (const { tensor, count } of batchesOf(held, preprocessing, 50, { indices })) {
        const scores = floatsOf(await session.run({ [session.input.name]: tensor }), session.output.name);
        for (let i = 0; i < count; i++) trainedFor.push(argMax(scores.subarray(10 * i, 10 * i + 10)));
      }
    } finally {
      await session.close();
    }
    const rightOf = (given: readonly number[]): number => given.filter((answer, i) => answer === labels[i]).length;
    expect(answers.filter((answer, i) => answer === trainedFor[i]).length).toBeGreaterThanOrEqual(0.98 * IMAGES);
    expect(Math.abs(rightOf(answers) - rightOf(trainedFor))).toBeLessThanOrEqual(0.006 * IMAGES);
    expect(rightOf(answers)).toBeGreaterThan(0.8 * IMAGES);
  });
});
