import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { observe } from '../../../calibration/observe.ts';
import { observedRanges } from '../../../calibration/range-source.ts';
import { meanDivergence } from '../../../compression/divergence.ts';
import { layersOf } from '../../../compression/layers.ts';
import { MatrixProducts } from '../../../compression/linear-algebra/products.ts';
import { collectMoments } from '../../../compression/rounding/collect.ts';
import { seededRandom } from '../../../core/random.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { withGraph } from '../../../exporter/passes/rewrite.ts';
import { TARGET_NAMES, targetProfile } from '../../../exporter/plan/targets.ts';
import { decideWeights } from '../../../exporter/quantize/choose-weights.ts';
import { checkFusion, requireFused } from '../../../exporter/quantize/fusion.ts';
import type { LayerWeights } from '../../../exporter/quantize/layer-weights.ts';
import { quantizeModel, valuesToCalibrate } from '../../../exporter/quantize/quantize-model.ts';
import { activationScale } from '../../../exporter/quantize/scales.ts';
import { rangesBy } from '../../../exporter/search/choose-ranges.ts';
import { softmax } from '../../../inference/scores.ts';
import { float, int, ints } from '../../../onnx/attributes.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { everythingNetwork, NetworkBuilder } from '../networks.ts';
import { operatorsOf, outputOf } from '../run.ts';

const preprocessing = {
  size: [16, 16] as [number, number],
  resize: 'stretch' as const,
  crop: 'none' as const,
  mean: [0.5, 0.5, 0.5] as [number, number, number],
  std: [0.25, 0.25, 0.25] as [number, number, number],
  layout: 'NCHW' as const,
  channels: 'RGB' as const,
};
const images = madeDataset(48, (index) => {
  const random = seededRandom(index);
  return {
    label: 0,
    image: { width: 16, height: 16, data: Uint8Array.from({ length: 768 }, () => random.below(256)) },
  };
});
const indices = Array.from({ length: 48 }, (_, i) => i);

const products = new MatrixProducts();
afterAll(() => products.close());

async function prepared(model: Model) {
  const folded = await runPasses(model, FOLDING);
  const layers = layersOf(folded.graph);
  const observations = await observe(folded, images, { preprocessing, values: valuesToCalibrate(folded), indices });
  const moments = await collectMoments(folded, layers, images, { preprocessing, indices, seed: 1 });
  const quantized = async (options: { limit?: number; clusters?: number; groups?: number } = {}) => {
    const weights = new Map<string, LayerWeights>();
    for (const layer of layers) {
      const { limit = 64, clusters, groups } = options;
      const each = moments.get(layer.node.name)!;
      weights.set(layer.node.name, await decideWeights(layer, each, { limit, clusters, groups }, products));
    }
    return {
      weights,
      model: quantizeModel(folded, { ranges: rangesBy(folded, observedRanges(observations), 'minmax'), weights }),
    };
  };
  return { folded, layers, quantized };
}

/** Mean divergence of the quantized network's answers from the float network's. */
async function divergence(a: Model, b: Model): Promise<number> {
  // Noise as the calibration images are made of: beyond their range the input would be clipped, as it should be.
  const random = seededRandom(99);
  const data = Float32Array.from({ length: 32 * 768 }, () => (random.below(256) / 255 - 0.5) / 0.25);
  const input = { data, dims: [32, 3, 16, 16] };
  const rows = async (model: Model): Promise<Float32Array[]> => {
    const scores = await outputOf(model, input);
    return Array.from({ length: 32 }, (_, i) => softmax(scores.subarray(i * 10, i * 10 + 10)));
  };
  return meanDivergence(await rows(a), await rows(b));
}

test('a Relu that shares its scale with signed values still cuts them off', async () => {
  const b = new NetworkBuilder('signed and not');
  const image = b.input('image', 'float32', ['N', 3, 16, 16]);
  const [both] = b.node('Concat', [b.relu(b.convolution(image, 3, 4)), b.convolution(image, 3, 4)], { axis: int(1) });
  const [mean] = b.node('GlobalAveragePool', [b.convolution(both, 8, 10)]);
  const [flat] = b.node('Flatten', [mean]);
  const [scores] = b.node('Softmax', [flat], { axis: int(1) }, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', 10]);
  const { folded, quantized } = await prepared(b.build({ opset: 13, irVersion: 7 }));
  expect(operatorsOf((await quantized()).model)).toContain('Max');
  // Without the Max it was 0.007.
  expect(await divergence(folded, (await quantized()).model)).toBeLessThan(5e-4);
  expect((await checkFusion(encodeModel((await quantized()).model))).float).toEqual([]);
});

test('an inverted residual with depthwise convolution, HardSwish and squeeze-and-excitation runs in int8', async () => {
  const b = new NetworkBuilder('inverted residual');
  const image = b.input('image', 'float32', ['N', 3, 16, 16]);
  const hardSwish = (x: string): string => {
    const [gate] = b.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });
    return b.node('Mul', [x, gate])[0];
  };
  const stem = hardSwish(b.convolution(image, 3, 16));
  const wide = hardSwish(b.convolution(stem, 16, 32, { kernel: 1 }));
  const depthwise = { group: int(32), kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) };
  const [spread] = b.node('Conv', [wide, b.weights('dw', [32, 1, 3, 3]), b.weights('db', [32])], depthwise);
  const [mean] = b.node('GlobalAveragePool', [spread]);
  const squeezed = b.relu(b.convolution(mean, 32, 8, { kernel: 1 }));
  const [excitation] = b.node('Sigmoid', [b.convolution(squeezed, 8, 32, { kernel: 1 })]);
  const [scaled] = b.node('Mul', [spread, excitation]);
  const [sum] = b.node('Add', [stem, b.convolution(scaled, 32, 16, { kernel: 1 })]);
  const [last] = b.node('GlobalAveragePool', [b.convolution(sum, 16, 16)]);
  const [flat] = b.node('Flatten', [last]);
  const [logits] = b.node('Gemm', [flat, b.weights('fc', [10, 16])], { transB: int(1) });
  const [scores] = b.node('Softmax', [logits], { axis: int(1) }, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', 10]);
  const { folded, layers, quantized } = await prepared(b.build({ opset: 13, irVersion: 7 }));
  const { model } = await quantized();
  expect(await checkFusion(encodeModel(model))).toEqual({ quantized: layers.length, float: [] });
  expect(await divergence(folded, model)).toBeLessThan(5e-3);
});

test('Split, a channel shuffle and Gather move bytes', async () => {
  const b = new NetworkBuilder('shuffled');
  const image = b.input('image', 'float32', ['N', 3, 16, 16]);
  const wide = b.relu(b.convolution(image, 3, 8));
  const [left = '', right = ''] = b.node(
    'Split',
    [wide, b.integers('halves', [4, 4])],
    { axis: int(1) },
    { outputs: ['left', 'right'] },
  );
  const [both] = b.node('Concat', [left, b.relu(b.convolution(right, 4, 4))], { axis: int(1) });
  const [apart] = b.node('Reshape', [both, b.integers('apart', [-1, 2, 4, 16, 16])]);
  const [dealt] = b.node('Transpose', [apart], { perm: ints([0, 2, 1, 3, 4]) });
  const [shuffled] = b.node('Reshape', [dealt, b.integers('together', [-1, 8, 16, 16])]);
  const [turned] = b.node('Gather', [shuffled, b.integers('turn', [7, 6, 5, 4, 3, 2, 1, 0])], { axis: int(1) });
  const [mean] = b.node('GlobalAveragePool', [b.convolution(turned, 8, 10)]);
  const [flat] = b.node('Flatten', [mean]);
  const [scores] = b.node('Softmax', [flat], { axis: int(1) }, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', 10]);
  const { folded, quantized } = await prepared(b.build({ opset: 13, irVersion: 7 }));
  const { graph } = (await quantized()).model;
  const makerOf = (value = ''): string | undefined =>
    graph.nodes.find(({ outputs }) => outputs.includes(value))?.opType;
  for (const node of graph.nodes) {
    const moves = ['Split', 'Reshape', 'Transpose', 'Gather'].includes(node.opType);
    if (moves) expect(makerOf(node.inputs[0])).not.toBe('DequantizeLinear');
  }
  expect(await divergence(folded, (await quantized()).model)).toBeLessThan(2e-3);
});

test('the products of attention run in int8, whoever reads them', async () => {
  const b = new NetworkBuilder('attention');
  const image = b.input('image', 'float32', ['N', 3, 16, 16]);
  const [tokens] = b.node('Reshape', [b.convolution(image, 3, 8), b.integers('tokens', [-1, 8, 256])]);
  const [turned] = b.node('Transpose', [tokens], { perm: ints([0, 2, 1]) });
  const [affinity] = b.node('Softmax', [b.node('MatMul', [tokens, turned])[0]], { axis: int(-1) });
  const [mixed] = b.node('MatMul', [affinity, tokens]);
  const [flat] = b.node('Reshape', [mixed, b.integers('flat', [-1, 8 * 256])]);
  const [logits] = b.node('MatMul', [flat, b.weights('fc', [8 * 256, 10], 0.02)]);
  const [scores] = b.node('Softmax', [logits], { axis: int(1) }, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', 10]);
  const { folded, quantized } = await prepared(b.build({ opset: 13, irVersion: 7 }));
  expect(await checkFusion(encodeModel((await quantized()).model))).toEqual({ quantized: 4, float: [] });
  expect(await divergence(folded, (await quantized()).model)).toBeLessThan(1e-2);
});

describe('a network with everything in it, quantized', () => {
  let subject: Awaited<ReturnType<typeof prepared>>;
  beforeAll(async () => {
    subject = await prepared(everythingNetwork());
  });

  test('leaves no convolution or matrix product in float', async () => {
    const report = await checkFusion(encodeModel((await subject.quantized()).model));
    expect(report.float).toEqual([]);
    expect(report.quantized).toBe(subject.layers.length);
  });

  test('answers as the float network does', async () => {
    expect(await divergence(subject.folded, (await subject.quantized()).model)).toBeLessThan(5e-4);
  });

  test('keeps its inputs and outputs in float, under their names', async () => {
    const { graph } = (await subject.quantized()).model;
    expect(graph.inputs).toEqual(subject.folded.graph.inputs);
    expect(graph.outputs.map(({ name, dtype }) => [name, dtype])).toEqual([['scores', 'float32']]);
  });

  test('stays at opset 13 without clusters, and goes no higher than its codebooks need', async () => {
    const opsetOf = async (clusters?: number): Promise<number | undefined> =>
      (await subject.quantized(clusters === undefined ? {} : { clusters })).model.opsets.get('');
    expect(await opsetOf()).toBe(13);
    expect(await opsetOf(16)).toBe(21);
    expect(await opsetOf(64)).toBe(18);
    expect(await opsetOf(4)).toBe(25);
    expect(await opsetOf(256)).toBe(13);
  });

  test.each([2, 4, 16, 64])('fuses completely with %i clusters, and uses no more', async (clusters) => {
    const { model, weights } = await subject.quantized({ clusters });
    const report = await checkFusion(encodeModel(model));
    expect(report.float).toEqual([]);
    for (const { codes } of weights.values()) expect(new Set(codes).size).toBeLessThanOrEqual(clusters);
  });

  test('fuses with a codebook for each of two channel groups', async () => {
    const { model } = await subject.quantized({ clusters: 16, groups: 2 });
    expect(operatorsOf(model)).toContain('GatherElements');
    expect((await checkFusion(encodeModel(model))).float).toEqual([]);
  });

  test('no code passes the limit of the target', async () => {
    for (const limit of [64, 127]) {
      for (const { codes } of (await subject.quantized({ limit })).weights.values()) {
        expect(codes.every((code) => Math.abs(code) <= limit)).toBe(true);
      }
    }
  });

  test('absorbs ReLU and ReLU6, and moves bytes without Q/DQ pairs around them', async () => {
    const operators = operatorsOf((await subject.quantized()).model);
    for (const gone of ['Relu', 'Clip']) expect(operators).not.toContain(gone);
    expect(operators.filter((operator) => operator === 'QuantizeLinear').length).toBeLessThanOrEqual(10);
  });

  test('gives the same bytes again', async () => {
    const bytes = async (): Promise<Buffer> =>
      Buffer.from(encodeModel((await subject.quantized({ clusters: 16 })).model));
    expect((await bytes()).equals(await bytes())).toBe(true);
  });

  test('a broken graph is caught, layer by layer and with the reason', async () => {
    const { model } = await subject.quantized();
    const { graph } = model;
    const conv = graph.nodes.find(({ opType }) => opType === 'Conv')!;
    const dequantize = graph.nodes.find(({ outputs }) => outputs[0] === conv.inputs[0])!;
    const quantize = graph.nodes.find(({ outputs }) => outputs[0] === dequantize.inputs[0])!;
    // The first convolution reads the image itself, not its quantized form.
    const broken = graph.nodes.map((node) =>
      node === conv ? { ...node, inputs: [quantize.inputs[0]!, ...node.inputs.slice(1)] } : node,
    );
    const report = await checkFusion(encodeModel(withGraph(model, { nodes: broken })));
    expect(report.float).toHaveLength(1);
    expect(report.float[0]?.reason).toMatch(/its input is not dequantized from uint8/);
    expect(() => requireFused(report)).toThrow(expect.objectContaining({ code: 'FUSION_INCOMPLETE' }));
  });

  test('a missing range is named', async () => {
    const weights = (await subject.quantized()).weights;
    expect(() => quantizeModel(subject.folded, { ranges: new Map(), weights })).toThrow(
      expect.objectContaining({ code: 'CALIBRATION_MISMATCH' }),
    );
  });
});

test('dequantize(quantize(x)) is within half a scale inside the range, and 0 is exact', () => {
  const bound = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(bound, bound, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
      const [min, max] = [Math.min(a, b), Math.max(a, b)];
      const { scale, zeroPoint } = activationScale({ min, max });
      const back = (x: number): number =>
        (Math.min(255, Math.max(0, Math.round(x / scale) + zeroPoint)) - zeroPoint) * scale;
      expect(back(0)).toBe(0);
      const x = Math.min(0, min) + share * (Math.max(0, max) - Math.min(0, min));
      // The zero point is rounded too, so that one end of the range may lie half a step outside the codes.
      expect(Math.abs(x - back(x))).toBeLessThanOrEqual(scale * 1.001);
      const inside = x > scale - zeroPoint * scale && x < (254 - zeroPoint) * scale;
      if (inside) expect(Math.abs(x - back(x))).toBeLessThanOrEqual(scale * 0.5001);
    }),
  );
});

test('ranges that are not finite are refused', () => {
  for (const range of [
    { min: 0, max: Number.NaN },
    { min: Number.NEGATIVE_INFINITY, max: 1 },
    { min: 2, max: 1 },
  ]) {
    expect(() => activationScale(range)).toThrow(expect.objectContaining({ code: 'CALIBRATION_INVALID' }));
  }
});

test('the default target and every processor without 32-bit sums keep |code| <= 64', () => {
  expect(targetProfile().limit).toBe(64);
  expect(targetProfile('x64').limit).toBe(64);
  expect(255 * 64 * 2).toBeLessThan(32767);
  for (const name of TARGET_NAMES) expect(targetProfile(name).limit).toBeLessThanOrEqual(127);
  expect(() => targetProfile('z80')).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
