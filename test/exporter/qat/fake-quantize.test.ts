import { beforeAll, describe, expect, test } from 'vitest';
import { observe } from '../../../calibration/observe.ts';
import { observedRanges } from '../../../calibration/range-source.ts';
import { layersOf } from '../../../compression/layers.ts';
import { MatrixProducts } from '../../../compression/linear-algebra/products.ts';
import { collectMoments } from '../../../compression/rounding/collect.ts';
import type { InputMoments } from '../../../compression/rounding/moments.ts';
import { seededRandom } from '../../../core/random.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { withGraph } from '../../../exporter/passes/rewrite.ts';
import { withinBounds } from '../../../exporter/qat/bounds.ts';
import { convert } from '../../../exporter/qat/convert.ts';
import { type FakeQuantizedModel, fakeQuantize } from '../../../exporter/qat/fake-quantize.ts';
import { remeasured } from '../../../exporter/qat/remeasured.ts';
import { type DecidedWeights, decideWeights } from '../../../exporter/quantize/choose-weights.ts';
import { quantizeModel, valuesToCalibrate } from '../../../exporter/quantize/quantize-model.ts';
import type { QuantizationChoices } from '../../../exporter/search/calibrated.ts';
import { rangesBy } from '../../../exporter/search/choose-ranges.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { asFloat32, float32Tensor } from '../../../onnx/tensor.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { everythingNetwork } from '../networks.ts';
import { noise } from '../run.ts';

const preprocessing = {
  size: [16, 16] as [number, number],
  resize: 'stretch' as const,
  crop: 'none' as const,
  mean: [0.5, 0.5, 0.5] as [number, number, number],
  std: [0.25, 0.25, 0.25] as [number, number, number],
  layout: 'NCHW' as const,
  channels: 'RGB' as const,
};
const indices = Array.from({ length: 24 }, (_, i) => i);
const images = madeDataset(24, (index) => {
  const random = seededRandom(index);
  return {
    label: 0,
    image: { width: 16, height: 16, data: Uint8Array.from({ length: 768 }, () => random.below(256)) },
  };
});
const LIMIT = 64;

/** Operator by operator: no kernel that adds up in another order. */
async function scoresOf(model: Model): Promise<Float32Array> {
  const session = await openSession(encodeModel(model), { optimization: 'disabled' });
  try {
    const { data, dims } = noise([16, 3, 16, 16]);
    const results = await session.run({ [session.input.name]: floatTensor(data, dims) });
    return floatsOf(results, session.output.name).slice();
  } finally {
    await session.close();
  }
}

/** As training might leave it: everything moved, by up to `most` of what it was. */
function moved({ model, parameters }: FakeQuantizedModel, most: number): Model {
  const random = seededRandom(9);
  const initializers = new Map(model.graph.initializers);
  const values = parameters.map(({ name }) =>
    asFloat32(initializers.get(name)!).map((value) => value * (1 + most * (2 * random.next() - 1))),
  );
  withinBounds({ parameters, values });
  for (const [i, { name, dims }] of parameters.entries()) initializers.set(name, float32Tensor(dims, values[i]!));
  return withGraph(model, { initializers });
}

describe.each([
  { says: 'plain int8' },
  { says: '4 clusters', clusters: 4 },
  { says: '16 clusters in two groups', clusters: 16, groups: 2 },
])('a simulation of $says', ({ clusters, groups }) => {
  let folded: Model;
  let chosen: QuantizationChoices;
  let simulated: FakeQuantizedModel;
  let moments: ReadonlyMap<string, InputMoments>;

  beforeAll(async () => {
    folded = await runPasses(everythingNetwork(), FOLDING);
    const layers = layersOf(folded.graph);
    const observed = await observe(folded, images, { preprocessing, values: valuesToCalibrate(folded), indices });
    moments = await collectMoments(folded, layers, images, { preprocessing, indices, seed: 1 });
    const ranges = rangesBy(folded, observedRanges(observed), 'percentile');
    const products = new MatrixProducts();
    const weights = new Map<string, DecidedWeights>();
    for (const layer of layers) {
      const each = moments.get(layer.node.name)!;
      const grouped = layer.rows % (groups ?? 1) === 0 ? groups : 1;
      weights.set(
        layer.node.name,
        await decideWeights(layer, each, { limit: LIMIT, clusters, groups: grouped }, products),
      );
    }
    await products.close();
    chosen = { ranges, weights };
    simulated = fakeQuantize(folded, chosen, LIMIT);
  });

  test('computes what the int8 model computes, to the last bit', async () => {
    expect(await scoresOf(simulated.model)).toEqual(await scoresOf(quantizeModel(folded, chosen)));
  });

  test('gives back what was decided while nothing is trained', async () => {
    const { weights, scales } = await convert(simulated.model, simulated, folded, chosen.weights);
    expect(encodeModel(quantizeModel(folded, { ...chosen, weights, scales }))).toEqual(
      encodeModel(quantizeModel(folded, chosen)),
    );
  });

  test('says what weights cost their layer, of those that rounding left and of those that training moved', async () => {
    const noisesOf = (weights: ReadonlyMap<string, DecidedWeights>) =>
      remeasured(weights, layersOf(folded.graph), () => Promise.resolve(moments));
    const unmoved = await noisesOf(chosen.weights);
    const { weights } = await convert(moved(simulated, 0.1), simulated, folded, chosen.weights);
    const trained = await noisesOf(weights);
    expect(unmoved.size).toBe(chosen.weights.size);
    for (const [name, { snr }] of chosen.weights) {
      // Rounding in matrix products counts in float32.
      expect(unmoved.get(name)!.snr).toBeCloseTo(snr, 1);
      expect(trained.get(name)!.snr).toBeLessThan(snr);
    }
  });

  test('is written as it was trained: nothing is rounded a second time', async () => {
    const trained = moved(simulated, 0.1);
    const { weights, scales } = await convert(trained, simulated, folded, chosen.weights);
    const written = quantizeModel(folded, { ...chosen, weights, scales });
    const scores = await scoresOf(written);
    expect(scores).toEqual(await scoresOf(trained));
    expect(scores).not.toEqual(await scoresOf(simulated.model));
    for (const { codes, codebooks } of weights.values()) {
      expect(Math.max(...codes.map(Math.abs))).toBeLessThanOrEqual(LIMIT);
      for (const book of codebooks) expect(book.length).toBeLessThanOrEqual(clusters ?? 0);
    }
  });
});
