import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { calibrateFile } from '../../../exporter/commands/calibrate-file.ts';
import { type CompressOptions, compress } from '../../../exporter/commands/compress.ts';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { sensitivityFile } from '../../../exporter/commands/sensitivity-file.ts';
import { readModel } from '../../../onnx/file/read.ts';
import type { Model } from '../../../onnx/graph.ts';
import { asFloat32, asInt32, float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeColours } from '../../support/tiny-classifier.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';
import { given, modelIn } from './given.ts';

const folder = temporaryFolder();

/** Channels between the convolutions scaled by up to 2^6 either way: computes the same, and is equalized before it is calibrated. */
function uneven(): Model {
  const model = wideClassifier();
  const initializers = new Map(model.graph.initializers);
  const scaled = (name: string, by: (position: number) => number): void => {
    const tensor = initializers.get(name)!;
    initializers.set(
      name,
      float32Tensor(
        tensor.dims,
        asFloat32(tensor).map((value, i) => value * by(i)),
      ),
    );
  };
  const scaleOf = (channel: number): number => 2 ** (((channel * 5) % 13) - 6);
  scaled('conv1.weight', (i) => scaleOf(Math.floor(i / 27)));
  scaled('conv2.weight', (i) => 1 / scaleOf(Math.floor(i / 9) % 16));
  return { ...model, graph: { ...model.graph, initializers } };
}

describe('a calibration table', () => {
  test.each<[string, Partial<CompressOptions>, Model?]>([
    ['chosen ranges', {}],
    ['min-max ranges', { range: 'min-max' }],
    ['clusters and a budget, where ranges of single values are chosen', { clusters: 8, budget: 5 }],
    ['nearest rounding', { rounding: 'nearest', range: 'auto' }],
    ['channels that need equalizing', { equalize: 'auto' }, uneven()],
  ])('gives the bytes that observing gives: %s', async (_, more, model) => {
    const { at, options } = await given(folder(), model);
    const table = at('table.json');
    const made = await calibrateFile({ ...options, out: table });
    expect(made.equalized).toBe(model !== undefined);
    await compress({ ...options, ...more, out: at('observed') });
    const seen = new Set<string>();
    const onProgress = ({ stage }: { readonly stage: string }): void => void seen.add(stage);
    await compress({ ...options, ...more, out: at('read'), calibrationTable: table, onProgress });
    expect(seen).not.toContain('calibrating');
    expect(await modelIn(join(at('read'), 'model.onnx'))).toEqual(await modelIn(join(at('observed'), 'model.onnx')));
  });

  test('gives the same codes where ranges are min-max and rounding is to nearest, and scales and biases but for their last bits', async () => {
    const { at, options } = await given(folder());
    const calibrationTable = at('table.json');
    await calibrateFile({ ...options, out: calibrationTable });
    const nearest = { ...options, rounding: 'nearest' } as const;
    await compress({ ...nearest, out: at('observed') }); // means reduced inside ONNX Runtime, in float32
    await compress({ ...nearest, calibrationTable, out: at('read') }); // means of the table, in float64
    const [observed, read] = await Promise.all(
      ['observed', 'read'].map(async (name) => (await readModel(join(at(name), 'model.onnx'))).graph.initializers),
    );
    expect([...read!.keys()]).toEqual([...observed!.keys()]);
    let biases = 0;
    for (const [name, tensor] of read!) {
      const other = observed!.get(name)!;
      if (tensor.dtype === 'int32') {
        biases++;
        const theirs = asInt32(other);
        for (const [i, value] of asInt32(tensor).entries()) {
          expect(Math.abs(value - theirs[i]!), name).toBeLessThanOrEqual(1);
        }
      } else if (tensor.dtype === 'float32') {
        const theirs = asFloat32(other);
        for (const [i, value] of asFloat32(tensor).entries()) {
          expect(Math.abs(value - theirs[i]!), name).toBeLessThanOrEqual(2 ** -21 * Math.abs(value));
        }
      } else {
        expect(tensor, name).toEqual(other);
      }
    }
    expect(biases).toBeGreaterThan(0);
  });

  test('is refused for another model, other images, another draw, other pixels, and where the model is pruned first', async () => {
    const { at, options } = await given(folder());
    const calibrationTable = at('table.json');
    await calibrateFile({ ...options, out: calibrationTable });
    const refused = (more: Partial<CompressOptions>) =>
      compress({ ...options, ...more, calibrationTable, out: at('package') }).then(
        () => 'taken',
        ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
      );
    const other = await given(folder(), uneven());
    const data = await writeColours(at('others'), [0, 1, 2, 0, 1, 2]);
    expect(await refused({ model: other.options.model })).toMatch(/^CALIBRATION_MISMATCH: .* is for model/);
    expect(await refused({ data: `cifar10:${data}` })).toMatch(/^CALIBRATION_MISMATCH: .* is from data/);
    expect(await refused({ seed: 3 })).toMatch(/^CALIBRATION_MISMATCH: .*64 images drawn with seed 0.*64 with seed 3/);
    expect(await refused({ calibration: 32 })).toMatch(/^CALIBRATION_MISMATCH: .*draws 32/);
    expect(await refused({ normalize: 'unit' })).toMatch(/^CALIBRATION_MISMATCH: .*prepared in another way/);
    expect(await refused({ pruneFlops: 0.5 })).toMatch(/^USAGE: .*pruning/);
    expect(await refused({})).toBe('taken');
  });
});

test('quantize writes the model that compress packs, and nothing else', async () => {
  const { at, options } = await given(folder());
  const out = at('quantized.onnx');
  const { stages, fused, range } = await quantizeFile({ ...options, out });
  expect(stages.map(({ name, top1 }) => [name, top1])).toEqual([
    ['float', 1],
    ['quantize', 1],
  ]);
  expect(fused).toMatchObject({ quantized: 3, float: [] });
  expect(['mse', 'minmax', 'percentile']).toContain(range);
  await compress({ ...options, out: at('package') });
  expect(await modelIn(out)).toEqual(await modelIn(join(at('package'), 'model.onnx')));
});

test('sensitivity finds nothing lost where the channels that go carry nothing', async () => {
  const { options } = await given(folder());
  const { groups } = await sensitivityFile(options);
  expect(groups.map(({ name, channels }) => [name, channels])).toEqual([
    ['conv1.weight', 16],
    ['conv2.weight', 16],
  ]);
  for (const { points } of groups) {
    expect(points.map(({ removed }) => removed)).toEqual([4, 8, 12]); // 13 of 16 carry nothing
    expect(points.every(({ agreement }) => agreement === 1)).toBe(true);
    for (const { divergence } of points) expect(Math.abs(divergence)).toBeLessThan(1e-4);
  }
});
