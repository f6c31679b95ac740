import { describe, expect, it } from 'vitest';
import type { Stem } from '../../../../compression/training/networks/network.ts';
import { buildNetwork, NETWORKS } from '../../../../compression/training/networks/registry.ts';
import { seededRandom } from '../../../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../../../inference/session.ts';
import { macsOf } from '../../../../onnx/cost.ts';
import { encodeModel } from '../../../../onnx/file/write.ts';
import type { Model } from '../../../../onnx/graph.ts';
import { inferShapes } from '../../../../onnx/shapes.ts';
import { elementCount } from '../../../../onnx/tensor.ts';

/** Trained numbers: statistics and the bounds of activations are none. */
const parameters = ({ graph }: Model): number =>
  [...graph.initializers].reduce(
    (sum, [name, { dims }]) => (/\.(weight|gain|shift|bias)(_\d+)?$/.test(name) ? sum + elementCount(dims) : sum),
    0,
  );

const build = (name: string, size: number, classes: number): Model =>
  buildNetwork(name, { classes, size: [size, size], seed: 1 });

describe('architectures have the size their papers state', () => {
  it.each([
    // He 2016, table 6: 0.27 M and 0.85 M, with shortcuts that hold nothing; two of 1x1 add 512 + 2048 weights and their gains.
    ['resnet20', 32, 10, 269_722 + 2560 + 192, 41e6],
    ['resnet56', 32, 10, 853_018 + 2560 + 192, 126e6],
    // torchvision: resnet34 21,797,672; mobilenet_v2 3,504,872. He 2016, table 1: 3.6e9; Sandler 2018, table 4: 300e6.
    ['resnet34', 224, 1000, 21_797_672, 3.66e9],
    ['mobilenetv2', 224, 1000, 3_504_872, 301e6],
    // 13 convolutions (14,710,464 weights) with gains and shifts, and one matrix product.
    ['vgg16', 32, 10, 14_710_464 + 2 * 4224 + 5130, 313e6],
  ])('%s', (name, size, classes, count, macs) => {
    const model = build(name, size, classes);
    expect(parameters(model)).toBe(count);
    const cost = macsOf(model.graph, inferShapes(model, { inputs: { image: [1, 3, size, size] } }));
    expect((cost ?? 0) / macs).toBeCloseTo(1, 1);
  });
});

describe('untrained networks', () => {
  it.each(Object.keys(NETWORKS))('%s gives finite, different scores for 32x32, from its seed', async (name) => {
    const model = build(name, 32, 7);
    const session = await openSession(encodeModel(model));
    const random = seededRandom(4);
    const image = Float32Array.from({ length: 2 * 3 * 32 * 32 }, random.normal);
    const scores = floatsOf(await session.run({ image: floatTensor(image, [2, 3, 32, 32]) }), 'logits');
    await session.close();
    expect(scores.length).toBe(14);
    expect(scores.every(Number.isFinite)).toBe(true);
    expect(new Set(scores).size).toBe(14);
    expect(Buffer.from(encodeModel(build(name, 32, 7))).equals(encodeModel(model))).toBe(true);
  });

  it('take the stem that is asked for, and refuse one they have not', () => {
    const macs = (stem: Stem): number => {
      const model = buildNetwork('resnet34', { classes: 10, size: [32, 32], seed: 1, stem });
      return macsOf(model.graph, inferShapes(model, { inputs: { image: [1, 3, 32, 32] } })) ?? 0;
    };
    expect(macs('3x3') / macs('3x3/2')).toBeCloseTo(4, 1);
    expect(macs('3x3/2') / macs('7x7/4')).toBeCloseTo(3.9, 0);
    expect(() => buildNetwork('vgg16', { classes: 10, size: [32, 32], seed: 1, stem: '7x7/4' })).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });

  it('are refused by a name that none has', () => {
    expect(() => build('resnet21', 32, 10)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
