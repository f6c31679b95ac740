import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layersOf } from '../../../compression/layers.ts';
import { seededRandom } from '../../../core/random.ts';
import { fakeQuantize } from '../../../exporter/qat/fake-quantize.ts';
import { nearestWeights } from '../../../exporter/quantize/choose-weights.ts';
import { quantizeModel, valuesToCalibrate, withFittingWeights } from '../../../exporter/quantize/quantize-model.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { int, ints } from '../../../onnx/attributes.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { upgradeOpset } from '../../../onnx/opset.ts';
import { float32Scalar } from '../../../onnx/tensor.ts';
import { NetworkBuilder } from '../networks.ts';
import { noise } from '../run.ts';

const SIDE = 8;
const STEPS = ['conv', 'relu', 'relu6', 'add', 'concat', 'maxPool', 'sigmoid', 'transpose', 'tanh', 'mean'] as const;
type Step = (typeof STEPS)[number];

/** Whatever the steps make of an image, then one score a class: `[2, 3]`. */
function networkOf(steps: readonly Step[]): Model {
  const b = new NetworkBuilder('random');
  let x = b.input('image', 'float32', [2, 3, SIDE, SIDE]);
  let channels = 3;
  const seen: { value: string; channels: number }[] = [{ value: x, channels }];
  for (const step of steps) {
    const equal = seen.findLast((each) => each.channels === channels && each.value !== x);
    if (step === 'conv') [x, channels] = [b.convolution(x, channels, 4), 4];
    else if (step === 'relu') x = b.relu(x);
    else if (step === 'relu6')
      x = b.op('Clip', [x, b.constant('zero', float32Scalar(0)), b.constant('six', float32Scalar(6))]);
    else if (step === 'add' && equal !== undefined) x = b.op('Add', [x, equal.value]);
    else if (step === 'concat' && channels < 16) {
      const other = seen[0]!;
      x = b.op('Concat', [x, other.value], { axis: int(1) });
      channels += other.channels;
    } else if (step === 'maxPool')
      x = b.op('MaxPool', [x], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), strides: ints([1, 1]) });
    else if (step === 'sigmoid') x = b.op('Sigmoid', [x]);
    else if (step === 'transpose') x = b.op('Transpose', [x], { perm: ints([0, 1, 3, 2]) });
    else if (step === 'tanh')
      x = b.op('Tanh', [x]); // has no int8 form here: stays float
    else if (step === 'mean')
      x = b.op('AveragePool', [x], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), strides: ints([1, 1]) });
    seen.push({ value: x, channels });
  }
  const flat = b.op('Flatten', [b.op('GlobalAveragePool', [x])]);
  const scores = b.op('Gemm', [flat, b.weights('fc', [channels, 3]), b.weights('fc_bias', [3])]);
  b.output(scores, 'float32', [2, 3]);
  return b.build({ opset: 17, irVersion: 8 });
}

/** Operator by operator: no kernel that adds up in another order. */
async function scoresOf(model: Model): Promise<Float32Array> {
  const session = await openSession(encodeModel(model), { optimization: 'disabled' });
  try {
    const { data, dims } = noise([2, 3, SIDE, SIDE]);
    return floatsOf(await session.run({ image: floatTensor(data, dims) }), session.output.name).slice();
  } finally {
    await session.close();
  }
}

const networks = fc.record({
  steps: fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 8 }),
  clusters: fc.constantFrom(undefined, 4, 16),
  float: fc.boolean(),
  seed: fc.nat(1000),
});

test('what is trained and what is written give the same numbers to the last bit, whatever the network', async () => {
  await fc.assert(
    fc.asyncProperty(networks, async ({ steps, clusters, float, seed }) => {
      const model = networkOf(steps);
      const random = seededRandom(seed);
      const ranges = new Map(
        valuesToCalibrate(model).map((value) => [
          value,
          { min: -3 * Math.max(0, random.next() - 0.3), max: 1 + 6 * random.next() },
        ]),
      );
      const layers = layersOf(model.graph);
      const weights = new Map(layers.map((layer) => [layer.node.name, nearestWeights(layer, { limit: 64, clusters })]));
      const [first] = layers;
      const kept = new Set(float && first !== undefined ? [first.node.name] : []);
      const input = withFittingWeights(model, { ranges, weights, float: kept });
      const written = quantizeModel(model, input);
      // ONNX Runtime adds up an AveragePool from operator set 19 on in another order.
      const simulation = upgradeOpset(fakeQuantize(model, input, 64).model, written.opsets.get('') ?? 0);
      expect(await scoresOf(simulation)).toEqual(await scoresOf(written));
    }),
    {
      numRuns: 60,
      examples: [
        [{ steps: ['conv', 'sigmoid', 'relu', 'conv'], clusters: undefined, float: true, seed: 0 }], // one activation after another
        [{ steps: ['mean', 'concat', 'conv'], clusters: 16, float: false, seed: 960 }], // operator sets 17 and 21
      ],
    },
  );
});
