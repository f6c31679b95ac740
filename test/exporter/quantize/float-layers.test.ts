import { describe, expect, test } from 'vitest';
import { layersOf } from '../../../compression/layers.ts';
import { nearestWeights } from '../../../exporter/quantize/choose-weights.ts';
import { checkFusion } from '../../../exporter/quantize/fusion.ts';
import { quantizeModel, valuesToCalibrate } from '../../../exporter/quantize/quantize-model.ts';
import { float } from '../../../onnx/attributes.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { NetworkBuilder } from '../networks.ts';
import { operatorsOf } from '../run.ts';

type Activation = 'silu' | 'leaky';

/** Four convolutions, an activation after each. */
function network(activation: Activation): Model {
  const b = new NetworkBuilder('four');
  let x = b.input('image', 'float32', ['N', 3, 16, 16]);
  for (let i = 0; i < 4; i++) {
    const raw = b.convolution(x, i === 0 ? 3 : 8, 8);
    if (activation === 'silu') [x] = b.node('Mul', [raw, b.node('Sigmoid', [raw])[0]]);
    else [x] = b.node('LeakyRelu', [raw], { alpha: float(0.1) });
  }
  b.output(x, 'float32', null);
  return b.build({ opset: 13, irVersion: 7 });
}

function quantized(activation: Activation, floats: readonly number[]): Model {
  const model = network(activation);
  const layers = layersOf(model.graph);
  return quantizeModel(model, {
    ranges: new Map(valuesToCalibrate(model).map((value) => [value, { min: -8, max: 8 }])),
    weights: new Map(layers.map((layer) => [layer.node.name, nearestWeights(layer, { limit: 64 })])),
    float: new Set(floats.map((at) => layers[at]?.node.name ?? '')),
  });
}

const count = (model: Model, operator: string): number => operatorsOf(model).filter((each) => each === operator).length;

describe('layers left in float', () => {
  test('hand what they computed to the next as it is, and are guarded only behind codes', async () => {
    const atStart = quantized('silu', [0, 1]);
    expect(count(atStart, 'Max')).toBe(0);
    // In the order of the graph nothing is quantized before the second activation is done.
    expect(operatorsOf(atStart).slice(0, 7)).toEqual([
      'Conv',
      'Sigmoid',
      'Mul',
      'Conv',
      'Sigmoid',
      'Mul',
      'QuantizeLinear',
    ]);
    const inside = quantized('silu', [1, 2]);
    expect(count(inside, 'Max')).toBe(1);
    for (const model of [atStart, inside]) {
      const { quantized: integer, float: left } = await checkFusion(encodeModel(model));
      expect([integer, left.length]).toEqual([2, 2]);
    }
  });

  test.each(['silu', 'leaky'] as const)('keep their %s in float, others have theirs in int8', (activation) => {
    const all = quantized(activation, [0, 1, 2, 3]);
    expect(count(all, 'QuantizeLinear')).toBe(0);
    const [mixed, none] = [quantized(activation, [0]), quantized(activation, [])];
    expect(count(none, 'QuantizeLinear') - count(mixed, 'QuantizeLinear')).toBe(activation === 'silu' ? 3 : 2);
  });
});
