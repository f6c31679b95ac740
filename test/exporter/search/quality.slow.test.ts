import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Dataset } from '../../../calibration/dataset.ts';
import { seededRandom } from '../../../core/random.ts';
import { compress } from '../../../exporter/commands/compress.ts';
import { CompressionPlan } from '../../../exporter/plan/plan.ts';
import { type RgbImage, WHOLE_FRAME } from '../../../inference/image.ts';
import { createPreprocessor } from '../../../inference/preprocess.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { argMax } from '../../../inference/scores.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { colourClassifier } from '../../support/tiny-classifier.ts';
import { NetworkBuilder } from '../networks.ts';
import { outputOf } from '../run.ts';

const folder = temporaryFolder();
const PREPROCESSING = {
  size: [16, 16] as [number, number],
  resize: 'stretch' as const,
  crop: 'none' as const,
  mean: [0.5, 0.5, 0.5] as [number, number, number],
  std: [0.25, 0.25, 0.25] as [number, number, number],
  layout: 'NCHW' as const,
  channels: 'RGB' as const,
};

/** A colour, and noise over it. */
function image(index: number): RgbImage {
  const random = seededRandom(index);
  const base = [random.below(200), random.below(200), random.below(200)];
  const data = Uint8Array.from({ length: 16 * 16 * 3 }, (_, at) => base[at % 3]! + random.below(56));
  return { width: 16, height: 16, data };
}

function network(): Model {
  const b = new NetworkBuilder('small');
  const image = b.input('image', 'float32', ['N', 3, 16, 16]);
  const first = b.relu(b.convolution(image, 3, 8));
  const second = b.relu(b.convolution(first, 8, 8));
  const third = b.relu(b.convolution(second, 8, 8));
  const [mean] = b.node('GlobalAveragePool', [third]);
  const [flat] = b.node('Flatten', [mean]);
  const [scores] = b.node('Gemm', [flat, b.weights('fc', [8, 10], 1)], {}, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', 10]);
  return b.build({ opset: 13, irVersion: 8 });
}

/** Images labelled with what the model answers: it is always right, and every changed answer is a loss. */
async function labelled(model: Model, from: number, size: number): Promise<Dataset> {
  const preprocess = createPreprocessor(PREPROCESSING);
  const data = new Float32Array(size * 768);
  for (let i = 0; i < size; i++) preprocess(image(from + i), WHOLE_FRAME, data, i * 768);
  const scores = await outputOf(model, { data, dims: [size, 3, 16, 16] });
  const labels = Array.from({ length: size }, (_, i) => argMax(scores.subarray(i * 10, i * 10 + 10)));
  return madeDataset(size, (i) => ({ label: labels[i]!, image: image(from + i) }));
}

async function given(name: string) {
  const model = network();
  const path = join(folder(), `${name}.onnx`);
  await writeModel(model, path);
  const data = { train: await labelled(model, 0, 1000), test: await labelled(model, 2000, 500) };
  return { model: path, data, out: join(folder(), name), preprocessing: PREPROCESSING, calibration: 120, threads: 1 };
}

test('a budget keeps layers finer until it holds on images that nothing was decided on', async () => {
  const options = await given('held');
  const loose = await compress({ ...options, clusters: 2, out: `${options.out}-loose` });
  const loosePlan = CompressionPlan.parse((await readPackage(`${options.out}-loose`)).manifest.plan);
  expect(Object.keys(loosePlan)).not.toEqual(expect.arrayContaining(['biasCorrection']));
  expect(loosePlan.ranges).toBeUndefined();
  const lostLoose = 100 * (loose.baseline.top1 - loose.candidate.top1);
  expect(lostLoose).toBeGreaterThan(5);
  const result = await compress({ ...options, clusters: 2, budget: 5 });
  const { heldOut, wider } = result.budget!;
  expect(heldOut[0]).toBeGreaterThan(5);
  expect(heldOut.at(-1)).toBeLessThanOrEqual(5);
  expect(wider.length).toBeGreaterThan(0);
  expect(100 * (result.baseline.top1 - result.candidate.top1)).toBeLessThanOrEqual(5);

  const { manifest } = await readPackage(options.out);
  const plan = CompressionPlan.parse(manifest.plan);
  expect(typeof plan.biasCorrection).toBe('boolean');
  for (const { name, width } of wider) {
    const layer = plan.layers.find((each) => each.name === name);
    expect(layer?.float === true ? 'float' : (layer?.clusters ?? 'int8')).toBe(width);
  }
  await compress({ ...options, plan, out: `${options.out}-again` });
  const bytes = (out: string): Promise<Buffer> => readFile(join(out, 'model.onnx'));
  expect((await bytes(`${options.out}-again`)).equals(await bytes(options.out))).toBe(true);
});

test('a layer planned in float stays so and is reported; the others run in int8', async () => {
  const options = await given('mixed');
  await compress({ ...options, out: `${options.out}-all` });
  const plan = CompressionPlan.parse((await readPackage(`${options.out}-all`)).manifest.plan);
  const [, second] = plan.layers;
  const layers = plan.layers.map((layer) => (layer === second ? { ...layer, float: true as const } : layer));
  const { fused, candidate, baseline } = await compress({ ...options, plan: { ...plan, layers } });
  expect(fused.quantized).toBe(3);
  expect(fused.float).toEqual([
    { name: second?.name, opType: 'Conv', reason: 'the plan leaves it in float', planned: true },
  ]);
  expect(baseline.top1 - candidate.top1).toBeLessThan(0.03);
});

test('without a budget, biases are corrected by measurement and single ranges chosen where the plan asks', async () => {
  const options = await given('asked');
  await compress({ ...options, clusters: 4, out: `${options.out}-plain` });
  const plan = CompressionPlan.parse((await readPackage(`${options.out}-plain`)).manifest.plan);
  const wanted = { ...plan, range: 'auto' as const, refineRanges: true, biasCorrection: true };
  await compress({ ...options, plan: wanted });
  const decided = CompressionPlan.parse((await readPackage(options.out)).manifest.plan);
  expect(decided.biasCorrection).toBe(true);
  expect(decided.range).not.toBe('auto');
  expect(decided.refineRanges).toBeUndefined();
  const bytes = (out: string): Promise<Buffer> => readFile(join(out, 'model.onnx'));
  expect((await bytes(options.out)).equals(await bytes(`${options.out}-plain`))).toBe(false);
  await compress({ ...options, plan: decided, out: `${options.out}-again` });
  expect((await bytes(`${options.out}-again`)).equals(await bytes(options.out))).toBe(true);
});

test('a model that misses its budget on the test images is not written, and the layers are named', async () => {
  const path = join(folder(), 'colours.onnx');
  await writeModel(colourClassifier(), path);
  // Calibrated on dim images, whatever is bright is clipped: green before red looks the same as red before green.
  const plain = (colour: readonly number[]): RgbImage => ({
    width: 32,
    height: 32,
    data: Uint8Array.from({ length: 3072 }, (_, at) => colour[at % 3]!),
  });
  const dim = (i: number) => ({ label: i % 3, image: plain([0, 1, 2].map((c) => (c === i % 3 ? 40 : 10 + (i % 7)))) });
  const bright = (i: number) => ({ label: i % 2, image: plain(i % 2 === 0 ? [250, 200, 0] : [200, 250, 0]) });
  const options = {
    model: path,
    data: { train: madeDataset(60, dim), test: madeDataset(20, bright) },
    normalize: 'unit',
  };
  const out = join(folder(), 'missed');
  await expect(compress({ ...options, out, budget: 0.3 })).rejects.toMatchObject({
    code: 'BUDGET_MISSED',
    message: expect.stringMatching(
      /loses 50\.00 points on the test images, the budget is 0\.3; most costly: \w+ \(int8\)/,
    ),
  });
  expect(existsSync(out)).toBe(false);
  await compress({ ...options, out });
  expect(existsSync(out)).toBe(true);
});
