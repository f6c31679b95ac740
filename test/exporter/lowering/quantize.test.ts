import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { quantizeNetwork } from '../../../exporter/commands/quantize-network.ts';
import { lowered } from '../../../exporter/lowering/index.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { largestDifference } from '../../../exporter/verify/parity.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { wavyImages } from '../../support/networks/images.ts';
import { noise, outputOf } from '../run.ts';
import * as network from './networks.ts';

const { SIDE } = network;
const folder = temporaryFolder();

/** 37 images to calibrate on: no batch of the models here divides them. */
async function quantized(
  model: Model,
  options: { readonly note?: (text: string) => void; readonly range?: 'min-max'; readonly rounding?: 'nearest' } = {},
) {
  const path = join(folder(), 'model.onnx');
  await writeModel(model, path);
  return quantizeNetwork({
    model: path,
    data: wavyImages(53, SIDE),
    calibration: 37,
    threads: 1,
    tolerance: Number.POSITIVE_INFINITY,
    ...options,
  });
}

describe('what ONNX Runtime would fuse to a float Gemm as it loads runs in int8', () => {
  test('tokens of a fixed batch, as those of an open one', async () => {
    const open = await quantized(network.tokenMlp('N'));
    expect(open.fused).toEqual({ quantized: 4, float: [] });
    for (const batch of [1, 4]) {
      const fixed = await quantized(network.tokenMlp(batch));
      expect(fixed.fused).toEqual(open.fused);
      expect(fixed.distance).toBeLessThan(2 * open.distance);
    }
  });

  test.each([1, 2])('vectors and what is summed with their products, batch %i', async (batch) => {
    const { fused, distance } = await quantized(network.vectorSums(batch));
    expect(fused).toEqual({ quantized: 6, float: [] });
    expect(distance).toBeLessThan(0.02);
  });

  test('products of two matrices of activations', async () => {
    const { fused, distance } = await quantized(network.matrixAttention());
    expect(fused).toEqual({ quantized: 5, float: [] });
    expect(distance).toBeLessThan(0.02);
  });
});

describe('channels are where a layer has them, not on the second axis', () => {
  test.each(['N', 1, 4])('tokens before the batch of %s, the last batch short', async (batch) => {
    for (const options of [{}, { range: 'min-max', rounding: 'nearest' }] as const) {
      const { fused, distance } = await quantized(network.sequenceFirst(batch), options);
      expect(fused).toEqual({ quantized: 8, float: [] });
      expect(distance).toBeLessThan(0.02);
    }
  });
});

describe('other forms of a layer', () => {
  test.each([
    ['weights before the tokens they mix, weights of one matrix in three dimensions', network.mixer(), 4],
    ['a convolution over a line of channels', network.channelLine('N'), 4],
    ['a convolution over a line of channels, of fixed batch', network.channelLine(2), 4],
    ['a convolution over lines, grouped, strided, dilated, padded', network.groupedLine(), 3],
  ] as const)('%s', async (_, model, layers) => {
    const { fused, distance } = await quantized(model);
    expect(fused).toEqual({ quantized: layers, float: [] });
    expect(distance).toBeLessThan(0.02);
  });

  test.each([
    ['tokens', network.tokenMlp(2)],
    ['tokens of an open batch', network.tokenMlp('N')],
    ['sums of vectors', network.vectorSums(2)],
    ['matrices', network.matrixAttention()],
    ['mixed tokens', network.mixer()],
    ['a line', network.groupedLine()],
  ] as const)('%s compute what they did', async (_, model) => {
    const [input] = model.graph.inputs;
    const batch = typeof input?.shape?.[0] === 'number' ? input.shape[0] : 2;
    const image = noise([batch, 3, SIDE, SIDE]);
    const folded = await runPasses(model, FOLDING);
    expect(largestDifference(await outputOf(folded, image), await outputOf(await lowered(folded), image))).toBeLessThan(
      1e-5,
    );
  });
});

describe('what stays in float is said by its name in the file', () => {
  test('a layer without an integer kernel: in a note before anything is calibrated, and in the result', async () => {
    const notes: string[] = [];
    const { fused, distance } = await quantized(network.withTransposedConvolution(), {
      note: (text) => notes.push(text),
    });
    const reason = 'ONNX Runtime has no integer kernel for ConvTranspose';
    expect(notes).toEqual([`note: upsample (ConvTranspose) stays in float: ${reason}`]);
    const left = { name: 'upsample', opType: 'ConvTranspose', reason, withoutKernel: true };
    expect(fused).toEqual({ quantized: 3, float: [left] });
    expect(distance).toBeLessThan(0.02);
  });

  test('a form that is not quantized refuses the model before an image is asked for', async () => {
    const path = join(folder(), 'model.onnx');
    await writeModel(network.withComputedFilters(), path);
    const unasked = madeDataset(8, () => {
      throw new Error('asked for an image');
    });
    await expect(quantizeNetwork({ model: path, data: unasked, threads: 1 })).rejects.toMatchObject({
      code: 'FUSION_INCOMPLETE',
      message: expect.stringMatching(
        /first: dynamic \(Conv\): its weights are computed at every run, by .*\(Reshape\)/,
      ),
    });
    const allowed = await quantizeNetwork({ model: path, data: wavyImages(12, SIDE), threads: 1, allowFloat: true });
    expect(allowed.fused.float.map(({ name }) => name)).toContain('dynamic');
  });
});
