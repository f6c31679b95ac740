import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { compress } from '../../../exporter/commands/compress.ts';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { CompressionPlan } from '../../../exporter/plan/plan.ts';
import type { Precision } from '../../../exporter/quantize/precision.ts';
import { noisyLayers } from '../../../exporter/verify/layer-noise.ts';
import { quietPrecisions } from '../../../exporter/verify/quiet-precisions.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { int } from '../../../onnx/attributes.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { wavyImages } from '../../support/networks/images.ts';
import { NetworkBuilder } from '../networks.ts';

const folder = temporaryFolder();
const SIDE = 16;

const errorsOf = (layers: Readonly<Record<string, readonly [decibels: number, signal: number]>>) => ({
  images: 1,
  decibels: new Map(Object.entries(layers).map(([name, [decibels]]) => [name, decibels])),
  signal: new Map(Object.entries(layers).map(([name, [, signal]]) => [name, signal])),
});

describe('what counts as noisy', () => {
  it('is less than 6 dB, or what overflowed', () => {
    const noisy = noisyLayers(errorsOf({ good: [6, 1], bad: [5.99, 1], worst: [Number.NaN, 1], inverse: [-20, 2] }));
    expect(noisy.map(({ name }) => name)).toEqual(['bad', 'worst', 'inverse']);
  });

  it('is no layer that says nothing beside the others, be its output 0 or the last bits of float32', () => {
    expect(noisyLayers(errorsOf({ loud: [40, 100], dead: [-30, 0], faint: [-3, 1e-11] }))).toEqual([]);
    expect(noisyLayers(errorsOf({ loud: [40, 100], quiet: [-3, 1e-6] }))).toHaveLength(1);
  });
});

/** Decibels of three layers by their widths: noise of a layer goes on into those after it. */
function measured(own: Readonly<Record<string, (width: Precision) => number>>) {
  return async (precisions: ReadonlyMap<string, Precision>) => {
    let noise = 0;
    const found = [...precisions].map(([name, width]) => {
      noise += own[name]!(width);
      return [name, [-10 * Math.log10(noise), 1] as const] as const;
    });
    return errorsOf(Object.fromEntries(found));
  };
}

describe('keeping noisy layers finer', () => {
  const small = (width: Precision): number => (width === 'float' ? 1e-9 : 0.01);

  it('widens the one that is noisy, step by step, and no other', async () => {
    const own = { a: small, b: (width: Precision) => (width === 4 ? 0.9 : width === 8 ? 0.5 : 0.1), c: small };
    const precisions = await quietPrecisions(
      new Map<string, Precision>([
        ['a', 4],
        ['b', 4],
        ['c', 4],
      ]),
      measured(own),
    );
    expect([...precisions]).toEqual([
      ['a', 4],
      ['b', 16],
      ['c', 4],
    ]);
  });

  it('widens what is before a float layer whose noise is not its own', async () => {
    const own = {
      a: (width: Precision) => (width === 'float' ? 0 : 0.2),
      b: (width: Precision) => (width === 'float' ? 0.1 : 0.9),
      c: small,
    };
    const precisions = await quietPrecisions(
      new Map<string, Precision>([
        ['a', 'int8'],
        ['b', 'int8'],
        ['c', 'int8'],
      ]),
      measured(own),
    );
    expect([...precisions]).toEqual([
      ['a', 'float'],
      ['b', 'float'],
      ['c', 'int8'],
    ]);
  });

  it('ends where all is in float', async () => {
    const precisions = await quietPrecisions(new Map<string, Precision>([['a', 'int8']]), measured({ a: () => 1 }));
    expect([...precisions]).toEqual([['a', 'float']]);
  });
});

/** A classifier with an int8 scale that cannot hold its first layer: one channel of 1,000, the others of about 1, heeded by their weights alike. */
function uneven(): Model {
  const b = new NetworkBuilder('uneven');
  const image = b.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const scaled = (weights: string, dims: readonly number[], factor: number): string => {
    const factors = b.constant('s', float32Tensor(dims, Float32Array.of(factor, 1, 1, 1, 1, 1, 1, 1)));
    return b.node('Mul', [weights, factors])[0];
  };
  const [stem] = b.node('Conv', [image, scaled(b.weights('w', [8, 3, 3, 3], 0.2), [8, 1, 1, 1], 1000)]);
  const [gate] = b.node('Sigmoid', [stem]);
  const [silu] = b.node('Mul', [stem, gate]);
  const [heard] = b.node('Conv', [silu, scaled(b.weights('w', [8, 8, 3, 3], 0.2), [1, 8, 1, 1], 1e-6)]);
  const [mean] = b.node('GlobalAveragePool', [b.relu(heard)]);
  const [flat] = b.node('Flatten', [mean]);
  const [scores] = b.node('Gemm', [flat, b.weights('w', [10, 8], 0.4), b.weights('b', [10], 0.2)], { transB: int(1) });
  b.output(scores, 'float32', ['N', 10]);
  return b.build({ opset: 13, irVersion: 7 });
}

async function given(name: string) {
  const model = join(folder(), `${name}.onnx`);
  await writeModel(uneven(), model);
  const data = { train: wavyImages(48, SIDE), test: wavyImages(16, SIDE, 100) };
  return { model, data, threads: 1, out: join(folder(), name) };
}

test('quantize and compress name a layer that is mostly noise and write nothing, unless it is allowed', async () => {
  const options = await given('refused');
  for (const attempt of [quantizeFile, compress]) {
    await expect(attempt(options)).rejects.toMatchObject({
      code: 'LAYERS_NOISY',
      message: expect.stringMatching(/Conv_\d \(-?\d+\.\d dB\)/),
    });
    expect(existsSync(options.out)).toBe(false);
  }
  const notes: string[] = [];
  const { noisy } = await quantizeFile({ ...options, allowNoisyLayers: true, note: (text) => notes.push(text) });
  expect(noisy.length).toBeGreaterThan(0);
  expect(noisy.every(({ decibels }) => decibels < 6)).toBe(true);
  expect(notes.join()).toContain(noisy[0]!.name);
});

test('a budget keeps it in float, and the plan says so', async () => {
  const options = await given('held');
  const { noisy, fused, budget } = await compress({ ...options, budget: 100 });
  expect(noisy).toEqual([]);
  expect(fused.float.length).toBeGreaterThan(0);
  expect(budget?.wider.map(({ width }) => width)).toContain('float');
  const plan = CompressionPlan.parse((await readPackage(options.out)).manifest.plan);
  const kept = plan.layers.filter(({ float }) => float === true).map(({ name }) => name);
  expect(kept).toEqual(budget?.wider.filter(({ width }) => width === 'float').map(({ name }) => name));
});
