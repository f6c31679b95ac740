import { describe, expect, it } from 'vitest';
import { MatrixProducts } from '../../../../compression/linear-algebra/products.ts';
import { analyzeChannels } from '../../../../compression/pruning/channels/groups.ts';
import { l2 } from '../../../../compression/pruning/criteria/l2.ts';
import { prune, prunedBy } from '../../../../compression/pruning/prune.ts';
import { leastSquares } from '../../../../compression/pruning/reconstruct/least-squares.ts';
import { reconstruct } from '../../../../compression/pruning/reconstruct/reconstruct.ts';
import { GramSession } from '../../../../compression/rounding/gram.ts';
import { seededRandom } from '../../../../core/random.ts';
import type { Model } from '../../../../onnx/graph.ts';
import { asFloat32, float32Tensor } from '../../../../onnx/tensor.ts';
import { noiseImages, preprocessing } from '../../noise.ts';
import { Network } from '../network.ts';
import { answersOf, difference } from '../same.ts';
import { depthwise, flattened, grouped, residual, squeezeExcite, zeroPadded } from '../structures.ts';

const noise = noiseImages(256);
const options = { preprocessing, indices: Array.from({ length: 256 }, (_, i) => i), seed: 1 };

/** conv1 whose filters 4 to 7 repeat 0 to 3, so that half of it can go without loss. */
function repeating(batchNorm: boolean): Model {
  const net = new Network(4);
  const first = net.conv(net.input, 3, 8, { name: 'conv1' });
  const second = net.conv(net.relu(first), 8, 6, { name: 'conv2' });
  const model = net.head(net.relu(batchNorm ? net.batchNorm(second, 6) : second), 6);
  const initializers = new Map(model.graph.initializers);
  for (const name of ['conv1.weight', 'conv1.bias']) {
    const tensor = initializers.get(name)!;
    const values = asFloat32(tensor).slice();
    values.copyWithin(values.length / 2, 0, values.length / 2);
    initializers.set(name, float32Tensor(tensor.dims, values));
  }
  return { ...model, graph: { ...model.graph, initializers } };
}

describe('reconstruction', () => {
  for (const batchNorm of [false, true]) {
    it(`gives back everything where what is left can express it${batchNorm ? ', before a normalisation' : ''}`, async () => {
      const model = repeating(batchNorm);
      const analysis = analyzeChannels(model);
      const group = analysis.groups.find(({ name }) => name === 'conv1.weight')!;
      const removed = new Set(group.channels.slice(4).map(({ id }) => id));
      const pruned = prunedBy(model, analysis, removed);
      const expected = await answersOf(model);
      expect(difference(expected, await answersOf(pruned.model))).toBeGreaterThan(0.05);
      const { model: repaired, layers } = await reconstruct(model, pruned, noise, { ...options, damping: 1e-6 });
      expect(difference(expected, await answersOf(repaired))).toBeLessThan(5e-3);
      for (const { after } of layers) expect(after).toBeLessThan(1e-3);
    });
  }

  for (const [name, build] of Object.entries({
    'with and without projection': residual,
    'with a padded shortcut': zeroPadded,
    depthwise,
    grouped,
    flattened: () => flattened(),
    'with gates': () => squeezeExcite(),
  })) {
    it(`brings each layer no further from the original, and the answers nearer: ${name}`, async () => {
      const model = build();
      const pruned = prune(model, { criterion: l2.importance, goal: 0.4, multiple: 1, floor: 0.3 });
      const { model: repaired, layers } = await reconstruct(model, pruned, noise, options);
      for (const { before, after } of layers) expect(after).toBeLessThanOrEqual(before + 1e-6);
      const expected = await answersOf(model, 64);
      const lost = (got: Float32Array): number => expected.reduce((sum, value, i) => sum + (value - got[i]!) ** 2, 0);
      expect(lost(await answersOf(repaired, 64))).toBeLessThan(0.9 * lost(await answersOf(pruned.model, 64)));
    });
  }

  it('changes next to nothing where nothing was removed, and is the same every time', async () => {
    const model = residual();
    const whole = prunedBy(model, analyzeChannels(model), new Set());
    const first = await reconstruct(model, whole, noise, options);
    expect(difference(await answersOf(model), await answersOf(first.model))).toBeLessThan(1e-3);
    const again = await reconstruct(model, whole, noise, options);
    for (const [name, { bytes }] of first.model.graph.initializers) {
      expect(again.model.graph.initializers.get(name)?.bytes).toEqual(bytes);
    }
  });
});

describe('least squares', () => {
  it.each([
    ['in loops', 300, 40],
    ['in blocks', 2000, 650],
  ])('finds the weights that made the samples, whatever it starts from: %s', async (_, samples, inputs) => {
    const random = seededRandom(3);
    const outputs = 3;
    const truth = Float32Array.from({ length: outputs * inputs }, () => random.normal());
    const x = Float32Array.from({ length: samples * inputs }, () => random.normal() + 2);
    const y = new Float32Array(samples * outputs);
    for (let s = 0; s < samples; s++) {
      for (let o = 0; o < outputs; o++) {
        let sum = o;
        for (let i = 0; i < inputs; i++) sum += truth[o * inputs + i]! * x[s * inputs + i]!;
        y[s * outputs + o] = sum;
      }
    }
    const gram = await GramSession.open();
    const products = new MatrixProducts();
    const start = { weights: new Float32Array(outputs * inputs), bias: new Float64Array(outputs) };
    const found = await leastSquares({ x, y, samples, inputs, outputs, ...start, damping: 1e-8 }, { gram, products });
    await gram.close();
    await products.close();
    found.weights.forEach((value, i) => {
      expect(value).toBeCloseTo(truth[i]!, 3);
    });
    found.bias.forEach((value, o) => {
      expect(value).toBeCloseTo(o, 2);
    });
    expect(found.before).toBeGreaterThan(1);
    expect(found.after).toBeLessThan(1e-4);
  });

  it('hears a signal between the blocks of a wide layer', async () => {
    const [samples, inputs, outputs] = [6000, 700, 8];
    const [x, y] = [new Float32Array(samples * inputs).fill(1), new Float32Array(samples * outputs)];
    const stop = new AbortController();
    const gram = await GramSession.open();
    const products = new MatrixProducts();
    const start = { weights: new Float32Array(outputs * inputs), bias: new Float64Array(outputs) };
    const solving = leastSquares(
      { x, y, samples, inputs, outputs, ...start, damping: 1e-3 },
      { gram, products, signal: stop.signal },
    );
    setImmediate(() => stop.abort());
    await expect(solving).rejects.toMatchObject({ name: 'AbortError' });
    await gram.close();
    await products.close();
  });
});
