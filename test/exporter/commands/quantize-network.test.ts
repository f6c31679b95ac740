import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type QuantizeNetworkOptions, quantizeNetwork } from '../../../exporter/commands/quantize-network.ts';
import { encodeModel, writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { wavyImages } from '../../support/networks/images.ts';
import { NetworkBuilder } from '../networks.ts';

const folder = temporaryFolder();
const SIDE = 16;

const silu = (b: NetworkBuilder, x: string): string => {
  const [gate] = b.node('Sigmoid', [x]);
  return b.node('Mul', [x, gate])[0];
};

/**
 * Two maps of a detector. The first convolution gives seven channels of about 1 and one of about 1,000 that hardly anyone
 * heeds: one scale cannot hold both, and no equalization passes the SiLU.
 */
function detector(): Model {
  const b = new NetworkBuilder('detector');
  const image = b.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const scaled = (weights: string, dims: readonly number[], factor: number): string => {
    const factors = b.constant('s', float32Tensor(dims, Float32Array.of(factor, 1, 1, 1, 1, 1, 1, 1)));
    return b.node('Mul', [weights, factors])[0];
  };
  const [stem] = b.node('Conv', [image, scaled(b.weights('w', [8, 3, 3, 3], 0.2), [8, 1, 1, 1], 1000)]);
  const [heard] = b.node('Conv', [silu(b, stem), scaled(b.weights('w', [8, 8, 3, 3], 0.2), [1, 8, 1, 1], 1e-3)]);
  const neck = silu(b, heard);
  const boxes = b.convolution(neck, 8, 4, { kernel: 1 });
  const [objects] = b.node('Sigmoid', [b.convolution(silu(b, b.convolution(neck, 8, 8)), 8, 1, { kernel: 1 })]);
  const [first] = b.node('Identity', [boxes], {}, { outputs: ['boxes'] });
  const [second] = b.node('Identity', [objects], {}, { outputs: ['objects'] });
  b.output(first, 'float32', ['N', 4, SIDE - 4, SIDE - 4]);
  b.output(second, 'float32', ['N', 1, SIDE - 4, SIDE - 4]);
  return b.build({ opset: 13, irVersion: 7 });
}

async function quantizedDetector(
  options: Pick<QuantizeNetworkOptions, 'tolerance' | 'plan' | 'allowNoisyLayers'> = {},
) {
  const model = join(folder(), 'detector.onnx');
  await writeModel(detector(), model);
  return quantizeNetwork({ model, data: wavyImages(48, SIDE), threads: 1, ...options });
}

test('a model that is no classifier is quantized without labels, its hostile layers left in float', async () => {
  const tolerance = Number.POSITIVE_INFINITY;
  const throughout = await quantizedDetector({ tolerance, allowNoisyLayers: true });
  const mixed = await quantizedDetector();
  expect(throughout.fused).toMatchObject({ quantized: 5, float: [] });
  expect(throughout.distance).toBeGreaterThan(0.1);
  expect(throughout.noisy.length).toBeGreaterThan(0);
  expect(mixed.noisy).toEqual([]);
  expect(mixed.distance).toBeLessThan(throughout.distance / 4);
  expect(mixed.fused.float.length).toBeLessThan(4);
  const planned = mixed.plan.layers.filter(({ float }) => float === true).map(({ name }) => name);
  expect(mixed.fused.float.map(({ name }) => name).sort()).toEqual(planned.sort());
  expect(mixed.model.graph.outputs.map(({ name }) => name)).toEqual(['boxes', 'objects']);
  const repeated = await quantizedDetector({ plan: mixed.plan });
  expect(encodeModel(repeated.model)).toEqual(encodeModel(mixed.model));
});
