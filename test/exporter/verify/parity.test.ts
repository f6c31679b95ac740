import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { quantizeNetwork } from '../../../exporter/commands/quantize-network.ts';
import { noiseShare } from '../../../exporter/search/divergence.ts';
import { requireParity } from '../../../exporter/verify/parity.ts';
import { openSession } from '../../../inference/session.ts';
import { encodeModel, writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { asFloat32, float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { inputsOf, wavyImages } from '../../support/networks/images.ts';
import { NetworkBuilder } from '../networks.ts';
import { outputOf } from '../run.ts';

const folder = temporaryFolder();
const SIDE = 16;
const data = { train: wavyImages(48, SIDE), test: wavyImages(16, SIDE, 100) };
const floats = (...values: number[]): Float32Array => Float32Array.from(values);

/** @param spread of the scores around `level` */
function network({
  scores,
  spread,
  level = 0,
  sigmoid = false,
}: {
  scores: number;
  spread: number;
  level?: number;
  sigmoid?: boolean;
}): Model {
  const b = new NetworkBuilder('scores');
  const image = b.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const [mean] = b.node('GlobalAveragePool', [
    b.relu(b.batchNorm(b.convolution(b.relu(b.convolution(image, 3, 8)), 8, 8), 8)),
  ]);
  const [flat] = b.node('Flatten', [mean]);
  const bias = b.constant('level', float32Tensor([scores], new Float32Array(scores).fill(level)));
  const [made] = b.node('Gemm', [flat, b.weights('w', [8, scores], spread), bias]);
  b.output(sigmoid ? b.node('Sigmoid', [made])[0] : made, 'float32', ['N', scores]);
  return b.build({ opset: 13, irVersion: 7 });
}

async function fileOf(name: string, model: Model): Promise<string> {
  const path = join(folder(), `${name}.onnx`);
  await writeModel(model, path);
  return path;
}

describe('a model of one score', () => {
  it.each([{ sigmoid: true }, { sigmoid: false }])('is quantized without labels, $sigmoid', async ({ sigmoid }) => {
    const model = network({ scores: 1, spread: 0.4, sigmoid });
    const path = await fileOf(`one-${sigmoid}`, model);
    const { model: quantized, fused, distance } = await quantizeNetwork({ model: path, data: data.train, threads: 1 });
    expect(fused).toMatchObject({ quantized: 3, float: [] });
    // A probability among one class is always 1, and would be no distance at all.
    expect(distance).toBeGreaterThan(0);
    expect(distance).toBeLessThan(0.1);
    const input = { data: inputsOf(24, SIDE), dims: [24, 3, SIDE, SIDE] };
    const [expected, got] = [await outputOf(model, input), await outputOf(quantized, input)];
    const size = Math.max(...expected.map(Math.abs));
    for (const [i, y] of expected.entries()) expect(Math.abs(y - got[i]!)).toBeLessThan(0.05 * size);
  });

  it('is refused by its name where classes are needed', async () => {
    const model = await fileOf('one-labelled', network({ scores: 1, spread: 0.4, sigmoid: true }));
    const attempt = quantizeFile({ model, data, threads: 1, out: `${model}.out` });
    await expect(attempt).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('one score'),
    });
  });
});

test.each([0.3, 5, -200])('scores that differ by millionths around %d are quantized', async (level) => {
  const model = await fileOf(`near-${level}`, network({ scores: 10, spread: 1e-6, level }));
  const { fused } = await quantizeFile({ model, data, threads: 1, out: `${model}.out` });
  expect(fused.float).toEqual([]);
});

test('a folded model that computes something else is still found out', async () => {
  const model = network({ scores: 10, spread: 0.4, level: 3 });
  const initializers = new Map(model.graph.initializers);
  const [name = '', weights] = [...initializers].find(([, { dims }]) => dims.length === 4) ?? [];
  initializers.set(
    name,
    float32Tensor(
      weights!.dims,
      asFloat32(weights!).map((w, i) => (i === 0 ? w + 0.1 : w)),
    ),
  );
  const session = await openSession(encodeModel(model));
  try {
    expect(await requireParity(session, model, { size: [SIDE, SIDE] })).toBe(0);
    const wrong = { ...model, graph: { ...model.graph, initializers } };
    await expect(requireParity(session, wrong, { size: [SIDE, SIDE] })).rejects.toMatchObject({
      code: 'PARITY_FAILED',
    });
  } finally {
    await session.close();
  }
});

test('noise in answers that hardly vary is measured by their size', () => {
  const expected = [floats(0.5), floats(0.5 + 1e-6)];
  const share = noiseShare(expected, [floats(0.5 + 1e-6), floats(0.5)]);
  expect(share).toBeGreaterThan(0);
  expect(share).toBeLessThan(0.001);
  expect(noiseShare(expected, [floats(0.50005), floats(0.49995)])).toBeCloseTo(1, 1);
  // Answers that do vary are judged as ever.
  expect(noiseShare([floats(0), floats(1)], [floats(0.5), floats(0.5)])).toBeCloseTo(1, 6);
});
