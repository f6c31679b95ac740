import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { evaluate } from '../../../calibration/evaluate.ts';
import { clusterFile } from '../../../exporter/commands/cluster-file.ts';
import { pruneFile } from '../../../exporter/commands/prune-file.ts';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { quantizeNetwork } from '../../../exporter/commands/quantize-network.ts';
import { writeStage } from '../../../exporter/commands/stage-file.ts';
import { requireAnswers } from '../../../exporter/verify/require-answers.ts';
import { defaultPreprocessing } from '../../../inference/default-preprocessing.ts';
import { openSession } from '../../../inference/session.ts';
import { int, tensor } from '../../../onnx/attributes.ts';
import { encodeModel, writeModel } from '../../../onnx/file/write.ts';
import { nonFiniteWeight } from '../../../onnx/finite.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { DATA_TYPES } from '../../../onnx/types.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { wavyImages } from '../../support/networks/images.ts';
import { NetworkBuilder } from '../networks.ts';

const folder = temporaryFolder();
const SIDE = 16;
const data = { train: wavyImages(24, SIDE), test: wavyImages(16, SIDE, 100) };
const preprocessing = defaultPreprocessing([1, 3, SIDE, SIDE]);

const BAD = Float32Array.from({ length: 8 * 8 * 9 }, (_, i) => (i === 17 ? Number.NaN : 0.1));
const floats = (...values: number[]): Float32Array => Float32Array.from(values);

type Fault = (b: NetworkBuilder, x: string) => string;

/** A classifier of ten classes with something in its middle, and something at its end. */
function network(middle: Fault, end: Fault = (_, scores) => scores, opset = 13): Model {
  const b = new NetworkBuilder('faulty');
  const image = b.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const [mean] = b.node('GlobalAveragePool', [b.relu(middle(b, b.relu(b.convolution(image, 3, 8))))]);
  const [flat] = b.node('Flatten', [mean]);
  const [scores] = b.node('Gemm', [flat, b.weights('w', [8, 10], 0.4), b.weights('b', [10], 0.2)]);
  const output = end(b, scores);
  const dtype = end.name === 'argMax' ? 'int64' : end.name === 'compared' ? 'bool' : 'float32';
  b.output(output, dtype, null);
  return b.build({ opset, irVersion: 7 });
}

const convolved = (b: NetworkBuilder, x: string, w: string): string =>
  b.node('Conv', [x, w], {}, { name: 'broken' })[0];
const normalised = (
  b: NetworkBuilder,
  x: string,
  variance: number,
  attributes = {},
  outputs?: readonly string[],
): string => {
  const dims = [8];
  const all = [b.positive('g', dims), b.weights('beta', dims), b.weights('mean', dims)];
  const vars = b.constant('variance', float32Tensor(dims, new Float32Array(8).fill(variance)));
  return b.node('BatchNormalization', [x, ...all, vars], attributes, {
    name: 'broken',
    ...(outputs && { outputs }),
  })[0];
};

const plain: Fault = (b, x) => b.convolution(x, 8, 8);
const argMax: Fault = (b, scores) =>
  b.node('ArgMax', [scores], { axis: int(1), keepdims: int(0) }, { name: 'broken' })[0];
const castArgMax: Fault = (b, scores) => b.node('Cast', [argMax(b, scores)], { to: int(DATA_TYPES.float32) })[0];
const compared: Fault = (b, scores) =>
  b.node('Greater', [scores, b.constant('c', float32Tensor([], floats(0)))], {}, { name: 'broken' })[0];

const FAULTS: Readonly<Record<string, readonly [code: string, named: string, Model]>> = {
  'a weight that is NaN': [
    'MODEL_NOT_FINITE',
    'bad',
    network((b, x) => convolved(b, x, b.constant('bad', float32Tensor([8, 8, 3, 3], BAD)))),
  ],
  'a weight that is infinite': [
    'MODEL_NOT_FINITE',
    'Infinity',
    network((b, x) =>
      convolved(
        b,
        x,
        b.constant(
          'bad',
          float32Tensor(
            [8, 8, 3, 3],
            BAD.map((v) => (v > 0 ? v : Number.POSITIVE_INFINITY)),
          ),
        ),
      ),
    ),
  ],
  'NaN in a Constant node': [
    'MODEL_NOT_FINITE',
    'broken',
    network((b, x) => convolved(b, x, b.node('Constant', [], { value: tensor(float32Tensor([8, 8, 3, 3], BAD)) })[0])),
  ],
  'a weight that is NaN once constants are computed': [
    'MODEL_NOT_FINITE',
    'broken',
    network((b, x) => {
      const [root] = b.node('Sqrt', [
        b.constant('negative', float32Tensor([8, 8, 3, 3], new Float32Array(576).fill(-1))),
      ]);
      return convolved(b, x, root);
    }),
  ],
  'a variance below 0': ['MODEL_NOT_FINITE', 'variance', network((b, x) => normalised(b, plain(b, x), -1))],
  'a normalisation in training mode': [
    'MODEL_UNSUPPORTED',
    'broken',
    network((b, x) => normalised(b, plain(b, x), 1, { training_mode: int(1) }, ['y', 'm', 'v']), undefined, 15),
  ],
  'a normalisation that hands out the statistics of its batch': [
    'MODEL_UNSUPPORTED',
    'broken',
    network((b, x) => normalised(b, plain(b, x), 1, {}, ['y', 'm', 'v', 'sm', 'sv'])),
  ],
  'a Dropout in training mode': [
    'MODEL_UNSUPPORTED',
    'broken',
    network((b, x) => {
      const on = b.constant('on', { dtype: 'bool', dims: [], bytes: Uint8Array.of(1) });
      return b.node(
        'Dropout',
        [plain(b, x), b.constant('ratio', float32Tensor([], floats(0.5))), on],
        {},
        { name: 'broken' },
      )[0];
    }),
  ],
  'an ArgMax at the end': ['MODEL_UNSUPPORTED', 'broken', network(plain, argMax)],
  'an ArgMax that was cast to float': ['MODEL_UNSUPPORTED', 'broken', network(plain, castArgMax)],
  'a threshold at the end': ['MODEL_UNSUPPORTED', 'broken', network(plain, compared)],
};

describe.each(Object.entries(FAULTS))('%s', (name, [code, named, model]) => {
  it('is refused by every stage before anything is calibrated, with its name', async () => {
    const path = join(folder(), `${name.replaceAll(' ', '-')}.onnx`);
    await writeModel(model, path);
    const begun: string[] = [];
    const options = {
      model: path,
      out: `${path}.out`,
      threads: 1,
      onProgress: ({ stage }: { stage: string }) => begun.push(stage),
    };
    const stages = [
      quantizeFile({ ...options, data }),
      pruneFile({ ...options, data, pruneFlops: 0.3 }),
      quantizeNetwork({ ...options, data: data.train }),
    ];
    for (const outcome of await Promise.allSettled(stages)) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: {
          code,
          exitCode: 65,
          message: expect.stringContaining(named),
          hint: expect.stringContaining('export'),
        },
      });
    }
    expect(begun).toEqual([]);
    expect(existsSync(options.out)).toBe(false);
  });
});

test('clustering without data refuses weights that are no numbers too', async () => {
  const path = join(folder(), 'nan.onnx');
  await writeModel(FAULTS['a weight that is NaN']![2], path);
  const attempt = clusterFile({ model: path, clusters: 4, out: `${path}.out` });
  await expect(attempt).rejects.toMatchObject({ code: 'MODEL_NOT_FINITE' });
});

test('infinities that mean something are left alone: the mask of an attention, an open bound', () => {
  const b = new NetworkBuilder('masked');
  const x = b.input('x', 'float32', ['N', 4]);
  const mask = b.constant('mask', float32Tensor([4], floats(0, 0, Number.NEGATIVE_INFINITY, 0)));
  const [masked] = b.node('Add', [x, mask]);
  const [soft] = b.node('Softmax', [masked]);
  const [clipped] = b.node('Clip', [
    soft,
    b.constant('low', float32Tensor([], floats(0))),
    b.constant('high', float32Tensor([], floats(Number.POSITIVE_INFINITY))),
  ]);
  b.output(clipped, 'float32', ['N', 4]);
  expect(nonFiniteWeight(b.build({ opset: 13, irVersion: 7 }).graph)).toBeUndefined();
});

/** Finite weights, and the logarithm of a number below 0. */
const unanswerable = network((b, x) => {
  const [lowered] = b.node('Sub', [plain(b, x), b.constant('far', float32Tensor([], floats(1e4)))]);
  return b.node('Log', [lowered], {}, { name: 'broken' })[0];
});

test('a model that answers no image with a number is not written, and where that begins is named', async () => {
  const attempt = requireAnswers(unanswerable, data.test, preprocessing, 'out.onnx');
  await expect(attempt).rejects.toMatchObject({
    code: 'MODEL_NOT_FINITE',
    message: expect.stringMatching(/out\.onnx was not written.*Log broken/),
  });
  const out = join(folder(), 'unanswered.onnx');
  await expect(writeStage(unanswerable, { preprocessing, data }, out)).rejects.toMatchObject({
    code: 'MODEL_NOT_FINITE',
  });
  expect(existsSync(out)).toBe(false);
});

test('evaluate says so too', async () => {
  for (const [model, code] of [
    [unanswerable, 'MODEL_NOT_FINITE'],
    [network(plain, argMax), 'MODEL_UNSUPPORTED'],
  ] as const) {
    const session = await openSession(encodeModel(model));
    try {
      await expect(evaluate(session, data.test, { preprocessing, needsNumbers: true })).rejects.toMatchObject({ code });
    } finally {
      await session.close();
    }
  }
});
