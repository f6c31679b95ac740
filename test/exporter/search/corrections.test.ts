import { beforeAll, describe, expect, test } from 'vitest';
import { observe } from '../../../calibration/observe.ts';
import { layersOf } from '../../../compression/layers.ts';
import { seededRandom } from '../../../core/random.ts';
import { StageLog } from '../../../core/run/stage-log.ts';
import { unevenness } from '../../../exporter/passes/channel-pairs.ts';
import { scaleClasses } from '../../../exporter/quantize/quantize-model.ts';
import { blended } from '../../../exporter/search/blended.ts';
import { Calibrated } from '../../../exporter/search/calibrated.ts';
import { chooseEqualization } from '../../../exporter/search/choose-equalization.ts';
import { correctBiases } from '../../../exporter/search/correct-biases.ts';
import { allCloser, FoldAgreement } from '../../../exporter/search/fold-agreement.ts';
import { LayerSensitivity } from '../../../exporter/search/layer-sensitivity.ts';
import { imagesOf, pointsLost, spreadOver, uncertainty } from '../../../exporter/search/predictions.ts';
import { refineRanges } from '../../../exporter/search/refine-ranges.ts';
import type { Model } from '../../../onnx/graph.ts';
import { asFloat32, float32Tensor } from '../../../onnx/tensor.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { NetworkBuilder } from '../networks.ts';

const preprocessing = {
  size: [16, 16] as [number, number],
  resize: 'stretch' as const,
  crop: 'none' as const,
  mean: [0.5, 0.5, 0.5] as [number, number, number],
  std: [0.25, 0.25, 0.25] as [number, number, number],
  layout: 'NCHW' as const,
  channels: 'RGB' as const,
};
const dataset = madeDataset(96, (index) => {
  const random = seededRandom(index);
  const base = [random.below(200), random.below(200), random.below(200)];
  const data = Uint8Array.from({ length: 768 }, (_, at) => base[at % 3]! + random.below(56));
  return { label: 0, image: { width: 16, height: 16, data } };
});
const indices = Array.from({ length: 96 }, (_, i) => i);
const asked = { dataset, indices, preprocessing, threads: 1 };

/** Three convolutions; the channels between the first two scaled by `2^octaves` up or down. */
function network(octaves = 0): Model {
  const b = new NetworkBuilder('three');
  const image = b.input('image', 'float32', ['N', 3, 16, 16]);
  const first = b.relu(b.convolution(image, 3, 8));
  const third = b.relu(b.convolution(b.relu(b.convolution(first, 8, 8)), 8, 8));
  const [mean] = b.node('GlobalAveragePool', [third]);
  const [flat] = b.node('Flatten', [mean]);
  const [scores] = b.node('Gemm', [flat, b.weights('fc', [8, 10], 0.2)], {}, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', 10]);
  const model = b.build({ opset: 13, irVersion: 8 });
  const factor = (channel: number): number => 2 ** (channel % 2 === 0 ? octaves : -octaves);
  const [maker, reader] = layersOf(model.graph);
  const initializers = new Map(model.graph.initializers);
  const scaled = (name: string, by: (at: number) => number): void => {
    const tensor = initializers.get(name)!;
    initializers.set(
      name,
      float32Tensor(
        tensor.dims,
        asFloat32(tensor).map((value, at) => value * by(at)),
      ),
    );
  };
  scaled(maker!.node.inputs[1]!, (at) => factor(Math.floor(at / 27)));
  scaled(maker!.node.inputs[2]!, factor);
  scaled(reader!.node.inputs[1]!, (at) => 1 / factor(Math.floor((at % 72) / 9)));
  return { ...model, graph: { ...model.graph, initializers } };
}

const measured = (model: Model): Promise<Calibrated> =>
  Calibrated.measure(
    model,
    dataset,
    { ...asked, plan: { seed: 0, range: 'auto' }, limit: 64, groups: new Map() },
    new StageLog(),
  );

const widthsOf = (model: Model, width: number | 'int8') =>
  new Map(layersOf(model.graph).map(({ node }) => [node.name, width] as const));

describe('what is decided by answers', () => {
  test('a network with hostile scales is equalized, one without is left as it is', async () => {
    const options = (model: Model) => ({ ...asked, precisions: widthsOf(model, 'int8'), groups: new Map(), limit: 64 });
    const hostile = network(7);
    expect((await chooseEqualization(hostile, 'auto', options(hostile))).equalized).toBe(true);
    const friendly = (await chooseEqualization(network(), true, options(network()))).model;
    const again = await chooseEqualization(friendly, 'auto', options(friendly));
    expect(again).toEqual({ model: friendly, equalized: false });
  });

  test('a network whose weights are even is left as it is without asking for an image', async () => {
    const friendly = (
      await chooseEqualization(network(), true, { ...asked, precisions: new Map(), groups: new Map(), limit: 64 })
    ).model;
    const unasked = madeDataset(96, () => {
      throw new Error('asked for an image');
    });
    const options = {
      ...asked,
      dataset: unasked,
      precisions: widthsOf(friendly, 'int8'),
      groups: new Map(),
      limit: 64,
    };
    expect(await chooseEqualization(friendly, 'auto', options)).toEqual({ model: friendly, equalized: false });
    const uneven = chooseEqualization(network(7), 'auto', options);
    await expect(uneven).rejects.toThrow('asked for an image');
  });

  test('scales up to 32 either way are looked into, and equalized', async () => {
    const uneven = network(5);
    const options = { ...asked, precisions: widthsOf(uneven, 'int8'), groups: new Map(), limit: 64 };
    const { model, equalized } = await chooseEqualization(uneven, 'auto', options);
    expect(equalized).toBe(true);
    expect(unevenness(model)).toBeLessThan(1.01);
  });

  describe('on a network of three convolutions', () => {
    let subject: Calibrated;
    beforeAll(async () => {
      subject = await measured(network());
    });

    test('measured bias correction brings the means of every layer to what they are in float', async () => {
      const { model, layers } = subject;
      const choice = { precisions: widthsOf(model, 'int8'), method: 'minmax' as const };
      const weights = await subject.weights(choice.precisions);
      const wrong = new Map([...weights].map(([name, { bias }]) => [name, bias!.map((value) => value * 1.3)]));
      const quantizeWith = (biases: ReadonlyMap<string, Float32Array>) => subject.quantized({ ...choice, biases });
      const corrected = await correctBiases(model, layers, wrong, quantizeWith, asked);
      const errorOf = async (biases: ReadonlyMap<string, Float32Array>): Promise<number> => {
        const scores = async (each: Model) =>
          (await observe(each, dataset, { preprocessing, values: ['scores'], indices }))
            .get('scores')!
            .channels.means();
        const [a, b] = [await scores(model), await scores(await quantizeWith(biases))];
        return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
      };
      expect(await errorOf(corrected)).toBeLessThan(0.2 * (await errorOf(wrong)));
    });

    test('finer layers do less damage alone, float none', async () => {
      const sensitivity = new LayerSensitivity(subject, { precisions: new Map(), method: 'minmax' }, asked);
      const name = subject.layers[1]!.node.name;
      const [two, sixteen, plain] = [
        await sensitivity.of(name, 2),
        await sensitivity.of(name, 16),
        await sensitivity.of(name, 'int8'),
      ];
      expect(two).toBeGreaterThan(5 * sixteen);
      expect(sixteen).toBeGreaterThan(plain);
      expect(await sensitivity.of(name, 'float')).toBe(0);
    });

    test('the agreement finds the float model unchanged, and a coarser one further away on every part', async () => {
      const agreement = await FoldAgreement.of(subject.model, asked);
      for (const value of await agreement.divergences(subject.model)) expect(value).toBeLessThan(1e-9);
      const at = async (width: number | 'int8') =>
        agreement.divergences(
          await subject.quantized({ precisions: widthsOf(subject.model, width), method: 'minmax' }),
        );
      const [coarse, fine] = [await at(2), await at('int8')];
      expect(coarse).toHaveLength(3);
      expect(allCloser(fine, coarse)).toBe(true);
      expect(allCloser(coarse, fine)).toBe(false);
    });

    test('a range method is taken for single values only where every part is better for it', async () => {
      const classes = scaleClasses(subject.model);
      const [first = []] = classes;
      const options = { source: subject.watched.source!, classes, method: 'minmax' as const };
      const gain = (methods: object, others: number) => [first.some((name) => name in methods) ? 0.5 : 1, others];
      const refined = await refineRanges({
        ...options,
        divergenceWith: (methods) => Promise.resolve(gain(methods, 1)),
      });
      expect(refined.methods).toEqual({});
      const both = await refineRanges({
        ...options,
        divergenceWith: (methods) => Promise.resolve([...gain(methods, 1).slice(0, 1), gain(methods, 1)[0]!]),
      });
      expect(Object.keys(both.methods)).toEqual([...first]);
    });
  });
});

test('points lost are of right answers, and images are spread evenly', () => {
  const answers = (...rows: number[][]) => ({
    probabilities: rows.map((row) => Float32Array.from(row)),
    labels: rows.map(() => 0),
  });
  const before = answers([1, 0], [1, 0], [0, 1], [1, 0]);
  const after = answers([1, 0], [0, 1], [1, 0], [0, 1]);
  expect(pointsLost(before, after)).toBe(25);
  expect(pointsLost(after, before)).toBe(-25);
  expect(uncertainty(before, after)).toBeCloseTo((100 * Math.sqrt(3)) / 4);
  expect([32, 64, 128, 227].map((side) => imagesOf({ ...preprocessing, size: [side, side] }, 128))).toEqual([
    128, 128, 32, 32,
  ]);
  expect(spreadOver([0, 1, 2, 3, 4, 5, 6, 7], 3)).toEqual([0, 3, 6]);
  expect(spreadOver([4, 9], 128)).toEqual([4, 9]);
});

test('each image has 15% of the one before laid over, stretched to its size, and keeps its label', async () => {
  const plain = (side: number, value: number) => ({
    width: side,
    height: side,
    data: new Uint8Array(3 * side * side).fill(value),
  });
  const set = madeDataset(4, (i) => ({ label: i, image: plain(2 + i, 100 + 100 * (i % 2)) }));
  const found: { label: number; side: number; values: number[] }[] = [];
  for await (const { label, image } of blended(set).samples([0, 1, 2, 3])) {
    found.push({ label, side: image.width, values: [...new Set(image.data)] });
  }
  expect(found).toEqual([
    { label: 0, side: 2, values: [100] },
    { label: 1, side: 3, values: [185] },
    { label: 2, side: 4, values: [115] },
    { label: 3, side: 5, values: [185] },
  ]);
});
