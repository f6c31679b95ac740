import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type QuantizeNetworkOptions, quantizeNetwork } from '../../../exporter/commands/quantize-network.ts';
import { floatLayers } from '../../../exporter/quantize/precision.ts';
import { int, ints } from '../../../onnx/attributes.ts';
import { encodeModel, writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { wavyImages } from '../../support/networks/images.ts';
import { NetworkBuilder } from '../networks.ts';

const folder = temporaryFolder();
const SIDE = 64;
const FINE = (SIDE / 8) ** 2;
const COARSE = (SIDE / 16) ** 2 + (SIDE / 32) ** 2;
/** A box, objectness, one class. */
const VALUES = 6;
/** Of a channel that hardly anyone heeds, so many times as much as of the others: one scale cannot hold both. */
const LOUD = 300;
const MIXERS = 6;

/**
 * A detector in YOLOX's form: how bright a cell of 8x8 pixels is says how sure it is of a box. Behind the first layer every other hands its
 * four channels on; the second of them makes the loud one quiet, and layers from there on have codes to spare.
 */
function detector(): Model {
  const b = new NetworkBuilder('detector');
  const image = b.input('images', 'float32', [1, 3, SIDE, SIDE]);
  const weights = (name: string, dims: readonly number[], values: readonly number[]): string =>
    b.constant(name, float32Tensor(dims, Float32Array.from(values)));
  const pixels = Array.from({ length: 4 * 192 }, (_, i) => (i < 3 * 192 ? 1 : LOUD) / (192 * 255));
  const [cells] = b.node('Conv', [image, weights('mean', [4, 3, 8, 8], pixels)], { strides: ints([8, 8]) });
  let mixed = cells;
  for (let i = 0; i < MIXERS; i++) {
    const mixer = [0.7, 0.3, 0, 0, 0.3, 0.7, 0, 0, 0, 0, 1, 0, 0, 0, 0, i === 1 ? 1 / LOUD : 1];
    [mixed] = b.node('Conv', [mixed, weights('mix', [4, 4, 1, 1], mixer)]);
  }
  const heads = [...[1, 1, 0, 0], ...[1, 0, 1, 0], ...[0.6, 0.2, 0.2, 0], ...[0.2, 0.6, 0.2, 0]];
  const all = [...heads, ...[0.4, 0.3, 0.3, 0], ...[1, 0, 0, 1e-3]];
  const [said] = b.node('Conv', [mixed, weights('heads', [VALUES, 4, 1, 1], all)]);
  const [rows] = b.node('Reshape', [said, b.integers('flat', [1, VALUES, FINE])]);
  const [fine] = b.node('Transpose', [rows], { perm: ints([0, 2, 1]) });
  const coarse = weights(
    'coarse',
    [1, COARSE, VALUES],
    Array.from({ length: COARSE * VALUES }, () => 0),
  );
  const [output] = b.node('Concat', [fine, coarse], { axis: int(1) }, { outputs: ['output'] });
  b.output(output, 'float32', [1, FINE + COARSE, VALUES]);
  return b.build({ opset: 13, irVersion: 8 });
}

async function quantized(options: Partial<QuantizeNetworkOptions> = {}) {
  const model = join(folder(), 'detector.onnx');
  await writeModel(detector(), model);
  const made = await quantizeNetwork({ model, data: wavyImages(24, SIDE), head: 'yolox', threads: 1, ...options });
  return { ...made, float: [...floatLayers(made.quantized.precisions)] };
}

test('as many layers of a detector stay in float as its boxes need, the others are int8', async () => {
  const without = await quantized({ tolerance: Number.POSITIVE_INFINITY, allowNoisyLayers: true });
  expect(without.float).toEqual([]);
  expect(without.distance).toBeGreaterThan(0.1);
  const held = await quantized();
  expect(held.distance).toBeLessThan(0.1);
  expect(held.float.length).toBeGreaterThan(0);
  expect(held.fused.quantized).toBeGreaterThan(0);
  const looser = await quantized({ together: 2 * without.distance, allowNoisyLayers: true });
  expect(encodeModel(looser.model)).toEqual(encodeModel(without.model));
  const repeated = await quantized({ plan: held.plan });
  expect(encodeModel(repeated.model)).toEqual(encodeModel(held.model));
});
