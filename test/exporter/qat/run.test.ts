import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layersOf } from '../../../compression/layers.ts';
import { collectMoments } from '../../../compression/rounding/collect.ts';
import { runContext } from '../../../core/run/context.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { quantizeByPlan } from '../../../exporter/pipeline/quantize-by-plan.ts';
import { calibrationIndices } from '../../../exporter/plan/calibration-samples.ts';
import { planOf } from '../../../exporter/plan/plan-of.ts';
import { QatPlan } from '../../../exporter/plan/qat.ts';
import { WorkFolder } from '../../../exporter/prune-finetune/work-folder.ts';
import { trainQuantized } from '../../../exporter/qat/run.ts';
import { signalToNoise } from '../../../exporter/quantize/choose-weights.ts';
import { quantizeModel } from '../../../exporter/quantize/quantize-model.ts';
import { defaultPreprocessing } from '../../../inference/default-preprocessing.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';

const folder = temporaryFolder();

/** Plain colours: the strongest is the class. */
const train = madeDataset(48, (index) => {
  const strongest = index % 3;
  const pixel = [0, 1, 2].map((channel) => (channel === strongest ? 150 + (index % 100) : (13 * index) % 90));
  const data = Uint8Array.from({ length: 3 * 32 * 32 }, (_, at) => pixel[at % 3]!);
  return { label: strongest, image: { width: 32, height: 32, data } };
});

test('training hands on what it left: the file, what was chosen for it and what its weights cost are of one model', async () => {
  const preprocessing = defaultPreprocessing([1, 3, 32, 32]);
  const folded = await runPasses(wideClassifier(), FOLDING);
  const context = { ...runContext({ threads: 1 }), work: new WorkFolder(join(folder(), 'package'), 'qat') };
  const outline = planOf({ clusters: 4, calibration: 24, range: 'mse' });
  const before = await quantizeByPlan(folded, train, outline, { preprocessing }, context);
  const plan = QatPlan.parse({ epochs: 2, rate: 0.02, batch: 16, flip: false });
  const asked = { plan, teacher: { model: folded }, preprocessing, data: { train } };
  const after = await trainQuantized(before, asked, context);

  expect(encodeModel(after.model)).not.toEqual(encodeModel(before.model));
  expect(encodeModel(quantizeModel(before.float, after.chosen))).toEqual(encodeModel(after.model));
  expect(after.chosen.weights).toBe(after.weights);
  const layers = layersOf(before.float.graph);
  const indices = calibrationIndices(train, before.plan);
  const moments = await collectMoments(before.float, layers, train, { preprocessing, indices, seed: 0 });
  for (const layer of layers) {
    const { name } = layer.node;
    const trained = after.weights.get(name)!;
    expect(trained.snr).toBeCloseTo(await signalToNoise(layer, trained, moments.get(name)!), 6);
    expect(trained.snr).not.toBeCloseTo(before.weights.get(name)!.snr, 3);
  }
});
