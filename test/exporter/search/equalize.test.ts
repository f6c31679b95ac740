import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layersOf, weightRows } from '../../../compression/layers.ts';
import { seededRandom } from '../../../core/random.ts';
import { unevenness } from '../../../exporter/passes/channel-pairs.ts';
import { equalize } from '../../../exporter/passes/equalize.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { largestDifference } from '../../../exporter/verify/parity.ts';
import { float, int, ints } from '../../../onnx/attributes.ts';
import type { Model } from '../../../onnx/graph.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { asFloat32, float32Tensor } from '../../../onnx/tensor.ts';
import { everythingNetwork, NetworkBuilder } from '../networks.ts';
import { noise, outputOf } from '../run.ts';

const GRID = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) };

/** Pointwise, depthwise, pointwise, then two branches joined, pooled and flattened into a matrix product. */
function chain(activation: 'Relu' | 'Clip' = 'Relu'): Model {
  const b = new NetworkBuilder('chain');
  const image = b.input('image', 'float32', ['N', 3, 8, 8]);
  const bounds = [0, 6].map((value) => b.constant(`bound${value}`, float32Tensor([], Float32Array.of(value))));
  const act = (x: string): string => b.node(activation, activation === 'Relu' ? [x] : [x, ...bounds])[0];
  const wide = act(b.convolution(image, 3, 8, { kernel: 1 }));
  const [spread] = b.node('Conv', [wide, b.weights('dw', [8, 1, 3, 3]), b.weights('db', [8])], {
    ...GRID,
    group: int(8),
  });
  const narrow = act(b.convolution(act(spread), 8, 6, { kernel: 1 }));
  const [leaky] = b.node('LeakyRelu', [b.convolution(narrow, 6, 4)], { alpha: float(0.1) });
  const [joined] = b.node('Concat', [leaky, act(b.convolution(narrow, 6, 5))], { axis: int(1) });
  const [pooled] = b.node('MaxPool', [joined], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  const [flat] = b.node('Flatten', [pooled]);
  const [y] = b.node('Gemm', [flat, b.weights('fc', [9 * 16, 5]), b.weights('fb', [5])], {}, { outputs: ['y'] });
  b.output(y, 'float32', ['N', 5]);
  return b.build({ opset: 13, irVersion: 7 });
}

function hostileFactors(octaves: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: 8 }, () => 2 ** (octaves * (2 * random.next() - 1)));
}

/** The same function, its depthwise layer's channels scaled at random by up to 2^octaves either way. */
function hostile(model: Model, octaves: number, seed: number): Model {
  const factors = hostileFactors(octaves, seed);
  const initializers = new Map(model.graph.initializers);
  const scaled = (name: string, factor: (at: number) => number): void => {
    const { dims } = initializers.get(name)!;
    initializers.set(
      name,
      float32Tensor(
        dims,
        asFloat32(initializers.get(name)!).map((w, at) => w * factor(at)),
      ),
    );
  };
  scaled('dw', (at) => factors[Math.floor(at / 9)]!);
  scaled('db', (at) => factors[at]!);
  const reader = layersOf(model.graph)[2]!.node.inputs[1]!;
  scaled(reader, (at) => 1 / factors[at % 8]!);
  return { ...model, graph: { ...model.graph, initializers } };
}

/** max |w| of each output channel of a layer. */
function reaches(model: Model, position: number): number[] {
  const layer = layersOf(model.graph)[position]!;
  const weights = weightRows(layer);
  return Array.from({ length: layer.rows }, (_, row) =>
    Math.max(...weights.subarray(row * layer.columns, (row + 1) * layer.columns).map(Math.abs)),
  );
}

const spreadOf = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);

describe('equalize', () => {
  test('changes no answer, whatever the channels are scaled by, and undoes the scaling', async () => {
    const model = chain();
    const plain = await runPasses(model, [equalize]);
    const input = noise([4, 3, 8, 8]);
    const expected = await outputOf(model, input);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.double({ min: 0, max: 8, noNaN: true }),
        async (seed, octaves) => {
          const given = hostile(model, octaves, seed);
          const equalized = await runPasses(given, [equalize]);
          expect(largestDifference(expected, await outputOf(equalized, input))).toBeLessThan(1e-5);
          reaches(equalized, 1).forEach((reach, channel) => {
            expect(reach / reaches(plain, 1)[channel]!).toBeCloseTo(1, 1);
          });
        },
      ),
      { numRuns: 12 },
    );
  });

  test('leaves each channel with the same reach where it is made and where it is read', async () => {
    const equalized = await runPasses(hostile(chain(), 6, 5), [equalize]);
    expect(spreadOf(reaches(hostile(chain(), 6, 5), 1))).toBeGreaterThan(50);
    const depthwise = reaches(equalized, 1);
    const reader = layersOf(equalized.graph)[2]!;
    const weights = weightRows(reader);
    for (let channel = 0; channel < 8; channel++) {
      const column = Array.from({ length: reader.rows }, (_, row) =>
        Math.abs(weights[row * reader.columns + channel]!),
      );
      expect(Math.max(...column) / depthwise[channel]!).toBeCloseTo(1, 2);
    }
  });

  test('changes nothing the second time', async () => {
    const once = await runPasses(chain(), [equalize]);
    const twice = await runPasses(once, [equalize]);
    for (const position of [0, 1, 2]) {
      reaches(twice, position).forEach((reach, row) => {
        expect(reach / reaches(once, position)[row]!).toBeCloseTo(1, 2);
      });
    }
  });

  test('does not touch what a ReLU6 bounds, an Add joins or the graph hands out', async () => {
    const bounded = chain('Clip');
    const weightsOf = (model: Model, position: number) => layersOf(model.graph)[position]!.weights;
    const equalized = await runPasses(bounded, [equalize]);
    for (const position of [0, 1, 2]) expect(weightsOf(equalized, position)).toBe(weightsOf(bounded, position));

    const b = new NetworkBuilder('residual');
    const image = b.input('image', 'float32', ['N', 3, 8, 8]);
    const first = b.relu(b.convolution(image, 3, 4));
    const [sum] = b.node('Add', [first, b.convolution(first, 4, 4)], {}, { outputs: ['y'] });
    b.output(sum, 'float32', ['N', 4, 8, 8]);
    const residual = b.build({ opset: 13, irVersion: 7 });
    const same = await runPasses(residual, [equalize]);
    for (const position of [0, 1]) expect(weightsOf(same, position)).toBe(weightsOf(residual, position));
  });

  test('how uneven the channels are is seen in the weights: as much as they were scaled, 1 once equalized', async () => {
    const equalized = await runPasses(chain(), [equalize]);
    expect(unevenness(equalized)).toBeLessThan(1.01);
    for (const octaves of [2, 5]) {
      const factors = hostileFactors(octaves, 5);
      const apart = Math.max(...factors) / Math.min(...factors);
      expect(unevenness(hostile(equalized, octaves, 5)) / apart).toBeCloseTo(1, 1);
    }
  });

  test('a dead channel makes nothing uneven, and a graph without pairs is even', async () => {
    const equalized = await runPasses(chain(), [equalize]);
    const initializers = new Map(equalized.graph.initializers);
    const name = layersOf(equalized.graph)[1]!.node.inputs[1]!;
    const weights = initializers.get(name)!;
    const dead = asFloat32(weights).map((w, at) => (at < 9 ? w * 1e-9 : w));
    initializers.set(name, float32Tensor(weights.dims, dead));
    const model = { ...equalized, graph: { ...equalized.graph, initializers } };
    expect(unevenness(model)).toBeLessThan(1.5);
    expect(unevenness(chain('Clip'))).toBeLessThan(20);
  });

  test('keeps the answers of a network with everything in it', async () => {
    const folded = await runPasses(everythingNetwork(), FOLDING);
    const equalized = await runPasses(folded, [equalize]);
    const input = noise([4, 3, 16, 16]);
    expect(largestDifference(await outputOf(folded, input), await outputOf(equalized, input))).toBeLessThan(1e-5);
  });
});
