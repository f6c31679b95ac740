import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import {
  binomialTail,
  farFromFloat,
  farInDistance,
  longerThanAsked,
  nearChance,
} from '../../../exporter/verify/doubts.ts';
import { int } from '../../../onnx/attributes.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { NetworkBuilder } from '../networks.ts';

const folder = temporaryFolder();
const SIDE = 16;

test('the tail of a binomial distribution', () => {
  expect(binomialTail(10, 5, 0.5)).toBeCloseTo(638 / 1024, 10);
  expect(binomialTail(4, 4, 0.1)).toBeCloseTo(1e-4, 12);
  expect(binomialTail(20_000, 0, 0.3)).toBe(1);
  expect(binomialTail(20_000, 12_000, 0.5)).toBeLessThan(1e-6);
});

/** `n` images of `classes` classes in turn, of which the first `right` are answered rightly and the others by the next class. */
const answered = (n: number, right: number, classes = 10) => ({
  labels: Array.from({ length: n }, (_, i) => i % classes),
  predicted: Array.from({ length: n }, (_, i) => (i < right ? i % classes : (i + 1) % classes)),
});

describe('a model near chance', () => {
  it('is what answers as a guesser would', () => {
    expect(nearChance(answered(200, 22))).toContain('--normalize');
    expect(nearChance(answered(200, 60))).toBeUndefined();
  });

  it('is one that always names the most common class, however often that is right', () => {
    const labels = Array.from({ length: 100 }, (_, i) => (i < 95 ? 0 : 1));
    expect(nearChance({ labels, predicted: labels.map(() => 0) })).toContain('near chance');
    expect(nearChance({ labels, predicted: labels })).toBeUndefined();
  });

  it('is not told from a handful of images', () => {
    expect(nearChance(answered(8, 1))).toBeUndefined();
  });
});

describe('an int8 model far from float', () => {
  it('is one with many other answers, or clearly fewer right ones', () => {
    const before = answered(400, 300);
    expect(farFromFloat(before, before)).toBeUndefined();
    expect(farFromFloat(before, answered(400, 290))).toBeUndefined();
    expect(farFromFloat(before, answered(400, 270))).toContain('7.50 points');
    expect(
      farFromFloat(before, { ...before, predicted: before.predicted.map((c, i) => (i % 5 === 0 ? c + 1 : c)) }),
    ).toContain('20.0 %');
  });

  it('is said of outputs without classes by the share of noise', () => {
    expect(farInDistance(0.75, false)).toContain('0.75 of its outputs is noise');
    expect(farInDistance(0.2, false)).toBeUndefined();
    expect(farInDistance(0.2, true)).toContain('nats');
  });
});

/** Answers with the darkest of three grey levels that the image is nearest to: what counts is where 0 lies. */
async function brightness(): Promise<string> {
  const b = new NetworkBuilder('brightness');
  const image = b.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const ones = b.constant('w', float32Tensor([4, 3, 1, 1], new Float32Array(12).fill(1 / 3)));
  const [grey] = b.node('Conv', [image, ones]);
  const [flat] = b.node('Flatten', [b.node('GlobalAveragePool', [grey])[0]]);
  // -(x - m)^2 without x^2: the nearest of the means 0.2, 0.5 and 0.8 on a scale of 0 to 1.
  const means = [0.2, 0.5, 0.8];
  const weights = Float32Array.from({ length: 12 }, (_, i) => (2 * means[Math.floor(i / 4)]!) / 4);
  const bias = Float32Array.from(means, (mean) => -(mean ** 2));
  const [scores] = b.node(
    'Gemm',
    [flat, b.constant('g', float32Tensor([3, 4], weights)), b.constant('b', float32Tensor([3], bias))],
    { transB: int(1) },
  );
  b.output(scores, 'float32', ['N', 3]);
  const path = join(folder(), 'brightness.onnx');
  await writeModel(b.build({ opset: 13, irVersion: 7 }), path);
  return path;
}

const greys = madeDataset(60, (i) => ({
  label: i % 3,
  image: { width: SIDE, height: SIDE, data: new Uint8Array(SIDE * SIDE * 3).fill(51 + 76 * (i % 3) + (i % 7)) },
}));

test('a normalisation that fits better is named, on stderr and in the result; the right one is not doubted', async () => {
  const model = await brightness();
  const options = { model, data: { train: greys, test: greys }, threads: 1, allowNoisyLayers: true };
  const notes: string[] = [];
  const wrong = await quantizeFile({
    ...options,
    normalize: 'imagenet',
    out: `${model}.wrong`,
    note: (text) => notes.push(text),
  });
  expect(wrong.warnings.join()).toMatch(/--normalize unit the float model gets 32 of 32 images right/);
  expect(notes).toContain(`warning: ${wrong.warnings.find((text) => text.includes('--normalize unit'))}`);
  const right = await quantizeFile({ ...options, normalize: 'unit', out: `${model}.right` });
  expect(right.warnings).toEqual([]);
});

test('bits beyond those asked for are doubted, and none that were not asked for', () => {
  expect(longerThanAsked(2.4, 2.3)).toMatch(/2\.40 bits a weight, and 2\.3 were asked for/);
  expect(longerThanAsked(2.3, 2.3)).toBeUndefined();
  expect(longerThanAsked(7, undefined)).toBeUndefined();
});
