import { describe, expect, it } from 'vitest';
import { crossEntropy } from '../../../compression/autodiff/losses/cross-entropy.ts';
import { distillation } from '../../../compression/autodiff/losses/distillation.ts';
import { gridLoss } from '../../../compression/autodiff/losses/grid.ts';
import type { Loss } from '../../../compression/autodiff/losses/loss.ts';
import { reconstruction } from '../../../compression/autodiff/losses/reconstruction.ts';
import { buildTrainingGraph } from '../../../compression/autodiff/training-graph.ts';
import { NetworkBuilder } from '../../../compression/training/networks/layers.ts';
import { updateRunning, weightsOf } from '../../../compression/training/weights.ts';
import { seededRandom } from '../../../core/random.ts';
import { floatsOf, floatTensor, openSession, type RunTensor } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { asFloat32, elementCount } from '../../../onnx/tensor.ts';
import { smallNetwork } from '../training/support.ts';

const BATCH = 4;

/** Rows that sum to 1. */
function distributions(rows: number, classes: number, normal: () => number): Float32Array {
  const values = Float32Array.from({ length: rows * classes }, () => Math.exp(normal()));
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * classes, (row + 1) * classes);
    const sum = own.reduce((total, value) => total + value, 0);
    own.forEach((value, i) => {
      own[i] = value / sum;
    });
  }
  return values;
}

/** With tanh for ReLU: at a kink, and a network has many, no difference quotient is a derivative. */
const smooth = (model: Model): Model => ({
  ...model,
  graph: {
    ...model.graph,
    nodes: model.graph.nodes.map((node) => (node.opType === 'Relu' ? { ...node, opType: 'Tanh' } : node)),
  },
});

/** Largest difference between gradient and difference quotient, relative to the largest quotient of its parameter. */
async function worstError(model: Model, loss: Loss, batchNorm: 'training' | 'frozen', perParameter: number) {
  const graph = buildTrainingGraph(model, { batch: BATCH, loss, batchNorm });
  const session = await openSession(encodeModel(graph.model));
  const random = seededRandom(11);
  const feeds: Record<string, RunTensor<'float32'>> = {};
  for (const { name, shape } of graph.model.graph.inputs) {
    const dims = shape as readonly number[];
    const own = model.graph.initializers.get(name);
    const made =
      name === graph.lossInputs[0] && dims.length === 2 && loss.name !== 'reconstruction'
        ? distributions(BATCH, dims[1]!, random.normal)
        : Float32Array.from({ length: elementCount(dims) }, random.normal);
    feeds[name] = floatTensor(own ? asFloat32(own).slice() : made, dims);
  }
  let worst = 0;
  try {
    const results = await session.run(feeds);
    const lossNow = async () =>
      floatsOf(await session.run(feeds, { outputs: [graph.lossOutput] }), graph.lossOutput)[0]!;
    for (const [p, { name }] of graph.parameters.entries()) {
      const gradient = floatsOf(results, graph.gradients[p]!);
      const values = feeds[name]!.data;
      const scale = Math.max(...gradient.map(Math.abs));
      for (let k = 0; k < perParameter; k++) {
        const i = random.below(values.length);
        const kept = values[i]!;
        const step = 1e-2;
        values[i] = kept + step;
        const above = await lossNow();
        values[i] = kept - step;
        const below = await lossNow();
        const quotient = (above - below) / (Math.fround(kept + step) - Math.fround(kept - step));
        values[i] = kept;
        worst = Math.max(worst, Math.abs(quotient - gradient[i]!) / scale);
      }
    }
  } finally {
    await session.close();
  }
  return worst;
}

describe('the gradient of a whole network agrees with finite differences', () => {
  const losses = [crossEntropy, distillation({ temperature: 3, weight: 0.6 }), reconstruction];
  for (const loss of losses) {
    for (const batchNorm of ['training', 'frozen'] as const) {
      it(`${loss.name}, batch normalisation ${batchNorm}`, async () => {
        expect(await worstError(smooth(smallNetwork()), loss, batchNorm, 12)).toBeLessThan(5e-3);
      });
    }
  }
});

describe('the gradient of a map of scores and sizes agrees with finite differences', () => {
  const net = new NetworkBuilder('map', 5);
  const hidden = net.relu(net.conv('stem', net.input([8, 8]), 3, 6, { stride: 2 }));
  const model = smooth(net.map(hidden, 6, [-2, 0, 0.5, 0], [4, 4]));
  it.each([
    ['scores', [true, true, true, true]],
    ['sizes', [false, false, false, false]],
    ['both', [true, false, true, false]],
  ])('%s', async (_, scores) => {
    const loss = gridLoss({ scores, sizeWeight: 0.3, objects: 2 });
    expect(await worstError(model, loss, 'training', 12)).toBeLessThan(2e-2);
  });
});

describe('batch statistics', () => {
  it('are those of the batch, and move the running ones by a tenth', async () => {
    const model = smallNetwork();
    const graph = buildTrainingGraph(model, { batch: BATCH, loss: crossEntropy });
    const session = await openSession(encodeModel(graph.model));
    const random = seededRandom(2);
    const feeds: Record<string, RunTensor> = {};
    for (const { name, shape } of graph.model.graph.inputs) {
      const dims = shape as readonly number[];
      const own = model.graph.initializers.get(name);
      feeds[name] = floatTensor(
        own ? asFloat32(own) : Float32Array.from({ length: elementCount(dims) }, random.normal),
        dims,
      );
    }
    const results = await session.run(feeds);
    await session.close();
    // The stem's convolution by hand: channel 0 over all pixels of the batch.
    const image = feeds['image']!.data as Float32Array;
    const weight = asFloat32(model.graph.initializers.get('stem.weight')!);
    const values: number[] = [];
    for (let n = 0; n < BATCH; n++) {
      for (let y = 0; y < 8; y++) {
        for (let x = 0; x < 8; x++) {
          let sum = 0;
          for (let k = 0; k < 27; k++) {
            const [c, i, j] = [Math.floor(k / 9), y + (Math.floor(k / 3) % 3) - 1, x + (k % 3) - 1];
            if (i >= 0 && i < 8 && j >= 0 && j < 8) sum += weight[k]! * image[((n * 3 + c) * 8 + i) * 8 + j]!;
          }
          values.push(sum);
        }
      }
    }
    const mean = values.reduce((total, value) => total + value, 0) / values.length;
    const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
    const [first] = graph.statistics;
    expect(floatsOf(results, first!.batchMean)[0]).toBeCloseTo(mean, 4);
    expect(floatsOf(results, first!.batchVariance)[0]).toBeCloseTo(variance, 4);

    const weights = weightsOf(model, graph.parameters, graph.statistics);
    const seen = graph.statistics.flatMap((s) => [floatsOf(results, s.batchMean), floatsOf(results, s.batchVariance)]);
    updateRunning(weights, seen);
    expect(weights.running[0]?.[0]).toBeCloseTo(0.1 * mean, 5);
    // The running variance is the unbiased one: 256 values, 255 degrees of freedom.
    expect(weights.running[1]?.[0]).toBeCloseTo(0.9 + (0.1 * variance * 256) / 255, 5);
  });
});
