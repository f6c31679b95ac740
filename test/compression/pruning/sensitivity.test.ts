import { describe, expect, it } from 'vitest';
import { meanDivergence, softened } from '../../../compression/divergence.ts';
import { layersOf } from '../../../compression/layers.ts';
import { MatrixProducts } from '../../../compression/linear-algebra/products.ts';
import { analyzeChannels } from '../../../compression/pruning/channels/groups.ts';
import type { LayerMoments } from '../../../compression/pruning/obs/readers.ts';
import { saliency } from '../../../compression/pruning/obs/saliency.ts';
import { removeChannels } from '../../../compression/pruning/remove.ts';
import { measureSensitivity, sensitivityFactors } from '../../../compression/pruning/sensitivity.ts';
import { collectMoments } from '../../../compression/rounding/collect.ts';
import { seededRandom } from '../../../core/random.ts';
import { probabilities } from '../../../inference/scores.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { noiseImages, preprocessing } from '../noise.ts';
import { flattened, STRUCTURES, tokens } from './structures.ts';

const noise = noiseImages(96);
const random = seededRandom(2);
const images = { dims: [3, 8, 8], data: Float32Array.from({ length: 48 * 192 }, () => random.normal()) };

/** Class probabilities, the whole model run. */
async function wholeAnswers(model: Model, { dims, data }: typeof images): Promise<Float32Array[]> {
  const session = await openSession(encodeModel(model));
  const count = data.length / 192;
  const results = await session.run({ [session.input.name]: floatTensor(data, [count, ...dims]) });
  await session.close();
  const scores = floatsOf(results, session.output.name);
  const classes = scores.length / count;
  return Array.from({ length: count }, (_, i) => probabilities(scores.slice(i * classes, (i + 1) * classes)));
}

async function judged(model: Model, moments: LayerMoments): Promise<Float64Array[]> {
  const products = new MatrixProducts();
  const scores: Float64Array[] = [];
  for (const group of analyzeChannels(model).groups) scores.push(await saliency(moments, model, group, { products }));
  await products.close();
  return scores;
}

describe('sensitivity', () => {
  it('grows with what is removed, and is less where the readers make up for it', async () => {
    const model = flattened();
    const analysis = analyzeChannels(model);
    const indices = Array.from({ length: 96 }, (_, i) => i);
    const moments = await collectMoments(model, layersOf(model.graph), noise, { preprocessing, indices, seed: 1 });
    const importance = await judged(model, moments);
    const bare = await measureSensitivity(model, analysis, { images, importance });
    const helped = await measureSensitivity(model, analysis, { images, importance, moments });
    const total = (groups: typeof bare): number =>
      groups.flatMap(({ points }) => points).reduce((sum, { divergence }) => sum + divergence, 0);
    expect(bare.map(({ name }) => name)).toEqual(['conv1.weight', 'conv2.weight', 'hidden.weight']);
    for (const { points } of bare) {
      expect(points.map(({ ratio }) => ratio)).toEqual([0.25, 0.5, 0.75]);
      expect(points[2]?.divergence).toBeGreaterThan(points[0]?.divergence ?? 0);
      for (const point of points) expect(point.agreement).toBeLessThanOrEqual(1);
    }
    expect(total(helped)).toBeLessThan(total(bare));
  });

  it('is less behind tokens as well: what a matrix product without a bias makes up goes into the sum behind it', async () => {
    const model = tokens();
    const analysis = analyzeChannels(model);
    const indices = Array.from({ length: 96 }, (_, i) => i);
    const moments = await collectMoments(model, layersOf(model.graph), noise, { preprocessing, indices, seed: 1 });
    const importance = await judged(model, moments);
    const bare = await measureSensitivity(model, analysis, { images, importance });
    const helped = await measureSensitivity(model, analysis, { images, importance, moments });
    for (const [g, { points }] of helped.entries()) {
      for (const [p, { divergence }] of points.entries()) {
        expect(divergence).toBeLessThan(bare[g]!.points[p]!.divergence);
      }
    }
  });

  it.each(Object.entries(STRUCTURES).filter(([, make]) => typeof make().graph.inputs[0]?.shape?.[0] !== 'number'))(
    'is that of whole networks run, though what lies before a group runs once: %s',
    async (_, make) => {
      const model = make();
      const analysis = analyzeChannels(model);
      const importance = analysis.groups.map(({ channels }) => Float64Array.from(channels, () => random.normal()));
      const few = { ...images, data: images.data.subarray(0, 18 * 192) };
      const soft = async (each: Model): Promise<Float32Array[]> => softened(await wholeAnswers(each, few), 4);
      const expected = await soft(model);
      const found = await measureSensitivity(model, analysis, { images: few, importance, ratios: [0.5] });
      expect(found.map(({ name }) => name)).toEqual(analysis.groups.map(({ name }) => name));
      for (const [g, { channels }] of analysis.groups.entries()) {
        const order = [...channels.keys()].sort((a, b) => importance[g]![a]! - importance[g]![b]!);
        const gone = order.slice(0, Math.min(channels.length - 1, Math.round(channels.length / 2)));
        if (gone.length === 0) continue;
        const pruned = removeChannels(model, analysis, new Set(gone.map((i) => channels[i]!.id)));
        const divergence = meanDivergence(expected, await soft(pruned));
        expect(found[g]!.points[0]!.divergence).toBeCloseTo(divergence, 5);
      }
    },
  );

  it('runs a model of fixed batch over as many images as there are', async () => {
    const model = tokens(7);
    const analysis = analyzeChannels(model);
    const importance = analysis.groups.map(({ channels }) => Float64Array.from(channels, (_, i) => i));
    const open = tokens();
    const fixed = await measureSensitivity(model, analysis, { images, importance });
    const free = await measureSensitivity(open, analyzeChannels(open), { images, importance });
    for (const [g, { points }] of fixed.entries()) {
      for (const [p, { divergence }] of points.entries()) {
        expect(divergence).toBeCloseTo(free[g]!.points[p]!.divergence, 5);
      }
    }
  });

  it('makes factors that turn importance into divergence', () => {
    const groups = [
      { name: 'a', channels: 4, points: [{ ratio: 0.5, removed: 2, divergence: 6, agreement: 1 }] },
      { name: 'b', channels: 4, points: [] },
    ];
    const factors = sensitivityFactors(groups, [Float64Array.of(9, 1, 2, 9), Float64Array.of(1, 1, 1, 1)]);
    expect(factors.get('a')).toBe(2);
    expect(factors.get('b')).toBe(0);
  });
});
