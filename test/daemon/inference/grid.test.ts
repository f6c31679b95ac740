import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../daemon/inference/load-model.ts';
import { recordGolden } from '../../../inference/golden.ts';
import type { GoldenSample } from '../../../inference/golden-sample.ts';
import { recordDetections } from '../../../inference/heads/golden.ts';
import type { GridHead } from '../../../inference/heads/grid.ts';
import { type PackageContents, writePackage } from '../../../inference/package.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import { openSession, type Session } from '../../../inference/session.ts';
import { ints } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';

const SIDE = 64;
const preprocessing: Preprocessing = {
  size: [SIDE, SIDE],
  resize: 'stretch',
  crop: 'none',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  layout: 'NCHW',
  channels: 'RGB',
};

/** Two classes in cells of 8x8 pixels: how red a cell is, and how blue. */
function twoColours(): Uint8Array {
  const builder = new GraphBuilder('grid');
  const image = builder.input('image', 'float32', [1, 3, SIDE, SIDE]);
  const means = new Float32Array(2 * 192)
    .fill(0)
    .fill(1 / 64, 0, 64)
    .fill(1 / 64, 192 + 128);
  const weight = builder.constant('mean', float32Tensor([2, 3, 8, 8], means));
  const [cells] = builder.node('Conv', [image, weight], { strides: ints([8, 8]) }, { outputs: ['cells'] });
  builder.output(cells, 'float32', [1, 2, 8, 8]);
  return encodeModel(builder.build({ opset: 13, irVersion: 8 }));
}

/** Black, with a red square of 8x8 pixels. */
function redSquare(left: number, top: number) {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = top; y < top + 8; y++) for (let x = left; x < left + 8; x++) data[3 * (y * SIDE + x)] = 255;
  return { width: SIDE, height: SIDE, data };
}

const HEAD: GridHead = {
  stride: 8,
  split: 1,
  score: 'probability',
  overlap: 0.6,
  box: {
    typical: [
      [16, 8],
      [4, 4],
    ],
  },
};

const manifest: PackageContents['manifest'] = {
  task: 'grid',
  name: 'grid',
  version: '1',
  input: { name: 'image', shape: [1, 3, SIDE, SIDE] },
  output: { name: 'cells', classes: 2 },
  preprocessing,
  head: HEAD,
  labels: ['car', 'pedestrian'],
  thresholds: { score: 0.5 },
  minimumRuntime: '1.17.0',
};

describe('packages of the task grid', () => {
  const folder = temporaryFolder();
  const recordMap = (session: Session) => recordGolden(session, preprocessing, [redSquare(24, 8)]);
  const recordBoxes = (session: Session) => recordDetections(session, HEAD, preprocessing, [redSquare(24, 8)]);
  const write = async (
    name: string,
    change: Partial<PackageContents['manifest']> = {},
    record: (session: Session) => Promise<GoldenSample[]> = recordMap,
  ) => {
    const model = twoColours();
    const session = await openSession(model);
    const golden = await record(session);
    await session.close();
    return writePackage(join(folder(), name), { manifest: { ...manifest, ...change }, model, golden });
  };

  it('are proven by their whole output and run like a detector, at the size of the frame', async () => {
    const { dir, golden } = await write('whole');
    expect(golden.map(({ scores }) => scores.length)).toEqual([2 * 8 * 8]);
    const model = await loadModel(dir, { threads: 1, provider: 'cpu' });
    const { objects, regions } = await model.analyse(redSquare(24, 8), { boxes: [], topK: 1, threshold: 0 });
    expect(regions).toEqual([]);
    expect(objects).toEqual([{ box: [20, 8, 16, 8].map((side) => side / SIDE), classIndex: 0, score: 1 }]);
  });

  it('are proven by what they find, where their output is large', async () => {
    const { dir, golden } = await write('boxes', {}, recordBoxes);
    expect(golden.map(({ scores }) => [...scores])).toEqual([[0, 1, ...[20, 8, 16, 8].map((side) => side / SIDE)]]);
    await loadModel(dir, { threads: 1, provider: 'cpu' });
    const moved = await write('moved', {}, async (session) => {
      const [sample] = await recordBoxes(session);
      return [{ image: redSquare(0, 40), scores: sample!.scores }];
    });
    await expect(loadModel(moved.dir, { threads: 1, provider: 'cpu' })).rejects.toMatchObject({
      code: 'GOLDEN_MISMATCH',
    });
    const cut = write('cut', {}, async (session) =>
      (await recordBoxes(session)).map(({ image, scores }) => ({ image, scores: scores.slice(1) })),
    );
    await expect(cut).rejects.toMatchObject({ code: 'PACKAGE_INVALID' });
  });

  it('need a head of their task, with a size for every class', async () => {
    const detector = { strides: [8], box: 'pixels' as const, score: 'classes' as const, overlap: 0.5 };
    await expect(write('other', { head: detector })).rejects.toMatchObject({ code: 'PACKAGE_INVALID' });
    const head = { stride: 8, split: 1, score: 'probability' as const, overlap: 0.6 };
    const { dir } = await write('one', { head: { ...head, box: { typical: [[9, 9]] } } });
    await expect(loadModel(dir, { threads: 1, provider: 'cpu' })).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });
});
