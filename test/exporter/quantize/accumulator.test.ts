import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layersOf } from '../../../compression/layers.ts';
import { quantizeNetwork } from '../../../exporter/commands/quantize-network.ts';
import { withinAccumulators } from '../../../exporter/quantize/accumulator.ts';
import type { LayerWeights } from '../../../exporter/quantize/layer-weights.ts';
import { activationScale } from '../../../exporter/quantize/scales.ts';
import { int } from '../../../onnx/attributes.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { inputsOf, wavyImages } from '../../support/networks/images.ts';
import { NetworkBuilder } from '../networks.ts';
import { outputOf } from '../run.ts';

const folder = temporaryFolder();
const SIDE = 16;
const INT32 = 2 ** 31 - 1;

/** One matrix product whose channels are to be fitted. */
function product(rows: number, columns: number) {
  const b = new NetworkBuilder('product');
  const x = b.input('x', 'float32', ['N', columns]);
  const [y] = b.node('Gemm', [x, b.weights('w', [rows, columns]), b.weights('b', [rows])], { transB: int(1) });
  b.output(y, 'float32', ['N', rows]);
  return layersOf(b.build({ opset: 13, irVersion: 7 }).graph);
}

test('whatever scales and biases are, every sum a channel can make fits int32 and its bias is what it was', () => {
  const scale = fc.integer({ min: -38, max: 4 }).map((power) => Math.fround(1.7 * 10 ** power));
  fc.assert(
    fc.property(
      fc.record({
        codes: fc.array(fc.integer({ min: -64, max: 64 }), { minLength: 12, maxLength: 12 }),
        scales: fc.array(scale, { minLength: 3, maxLength: 3 }),
        bias: fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 3, maxLength: 3 }),
        input: fc.record({
          scale: fc.integer({ min: -25, max: 3 }).map((p) => Math.fround(10 ** p)),
          zeroPoint: fc.nat(255),
        }),
        clustered: fc.boolean(),
      }),
      ({ codes, scales, bias, input, clustered }) => {
        const layers = product(3, 4);
        const given: LayerWeights = {
          codes: Int8Array.from(codes),
          scales: Float32Array.from(scales),
          bias: Float32Array.from(bias),
          codebooks: clustered ? [Int8Array.from(new Set([...codes].sort((a, b) => a - b)))] : [],
          indexBits: 8,
        };
        const [name = ''] = layers.map(({ node }) => node.name);
        const fitted = withinAccumulators(layers, new Map([[name, given]]), new Map([['x', input]])).get(name)!;
        for (let row = 0; row < 3; row++) {
          const unit = Math.fround(fitted.scales[row]! * input.scale);
          const code = Math.round(given.bias![row]! / unit);
          let [low, high] = [code, code];
          for (const q of fitted.codes.subarray(4 * row, 4 * row + 4)) {
            const ends = [-q * input.zeroPoint, q * (255 - input.zeroPoint)];
            low += Math.min(...ends);
            high += Math.max(...ends);
            if (clustered) expect(given.codebooks[0]).toContain(q);
          }
          expect(Math.max(high, -low)).toBeLessThanOrEqual(INT32);
          // Half a unit of the scale: nothing was cut off.
          expect(Math.abs(code * unit - given.bias![row]!)).toBeLessThanOrEqual(unit);
        }
      },
    ),
  );
});

test('weights that fit are left as they are, to the object', () => {
  const layers = product(2, 4);
  const [name = ''] = layers.map(({ node }) => node.name);
  const weights = {
    codes: new Int8Array(8).fill(64),
    scales: Float32Array.of(0.01, 0.02),
    bias: Float32Array.of(5, -5),
    codebooks: [],
    indexBits: 8,
  };
  const fitted = withinAccumulators(
    layers,
    new Map([[name, weights]]),
    new Map([['x', { scale: 0.02, zeroPoint: 3 }]]),
  );
  expect(fitted.get(name)).toBe(weights);
});

test('a row too long for int32 is widened without any bias', () => {
  const columns = 140_000;
  const layers = product(1, columns);
  const [name = ''] = layers.map(({ node }) => node.name);
  const weights = {
    codes: new Int8Array(columns).fill(64),
    scales: Float32Array.of(0.01),
    bias: undefined,
    codebooks: [],
    indexBits: 8,
  };
  const fitted = withinAccumulators(
    layers,
    new Map([[name, weights]]),
    new Map([['x', { scale: 0.02, zeroPoint: 0 }]]),
  ).get(name)!;
  expect(fitted.codes.reduce((sum, q) => sum + 255 * q, 0)).toBeLessThanOrEqual(INT32);
  expect((fitted.codes[0]! * fitted.scales[0]!) / (64 * 0.01)).toBeCloseTo(1, 1);
});

/** Two hidden layers; what is wrong with the second is told by what its normalisation or input was left with. */
function network(kind: 'tiny normalisation' | 'dead input'): Model {
  const b = new NetworkBuilder(kind);
  const image = b.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const filled = (dims: readonly number[], value: (i: number) => number): string =>
    b.constant(
      'c',
      float32Tensor(
        dims,
        Float32Array.from({ length: dims[0]! }, (_, i) => value(i)),
      ),
    );
  const stem = b.relu(b.convolution(image, 3, 8));
  const gamma = filled([8], (i) => (kind === 'tiny normalisation' && i % 2 === 0 ? 1e-10 : 1));
  const beta = filled([8], (i) => (i % 3) - 0.5);
  const conv = b.convolution(stem, 8, 8);
  const [normal] = b.node('BatchNormalization', [conv, gamma, beta, filled([8], () => 0), filled([8], () => 1)]);
  const [lowered] = b.node('Conv', [stem, b.weights('w', [8, 8, 1, 1], 0.05), filled([8], () => -100)]);
  // A branch that answers 0 to every image, read by a layer with a bias.
  const [dead] = b.node('Conv', [b.relu(lowered), b.weights('w', [8, 8, 1, 1], 0.05), b.weights('b', [8], 1)]);
  const live = b.relu(normal);
  const [both] = b.node('Concat', kind === 'dead input' ? [live, dead] : [live, b.convolution(live, 8, 8)], {
    axis: int(1),
  });
  const [mean] = b.node('GlobalAveragePool', [b.relu(b.convolution(both, 16, 16))]);
  const [flat] = b.node('Flatten', [mean]);
  const [scores] = b.node('Gemm', [flat, b.weights('w', [16, 10], 0.4), b.weights('b', [10], 0.2)]);
  b.output(scores, 'float32', ['N', 10]);
  return b.build({ opset: 13, irVersion: 7 });
}

test.each(['tiny normalisation', 'dead input'] as const)(
  '%s: the int8 model answers as the float one',
  async (kind) => {
    const model = network(kind);
    const path = join(folder(), 'model.onnx');
    await writeModel(model, path);
    const { model: quantized, fused } = await quantizeNetwork({
      model: path,
      data: wavyImages(48, SIDE),
      threads: 1,
      tolerance: Number.POSITIVE_INFINITY,
    });
    expect(fused.float).toEqual([]);
    const input = { data: inputsOf(16, SIDE), dims: [16, 3, SIDE, SIDE] };
    const [expected, got] = [await outputOf(model, input), await outputOf(quantized, input)];
    let [signal, noise] = [0, 0];
    for (const [i, y] of expected.entries()) {
      signal += y * y;
      noise += (y - got[i]!) ** 2;
    }
    expect(10 * Math.log10(signal / noise)).toBeGreaterThan(20);
  },
);

test('a range far below 1 keeps its 256 steps, one of nothing a scale at all', () => {
  expect(activationScale({ min: 0, max: 255e-12 }).scale).toBeCloseTo(1e-12, 18);
  expect(activationScale({ min: 0, max: 0 }).scale).toBeGreaterThan(0);
});
