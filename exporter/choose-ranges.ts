import { batchesOf, batchSizeFor } from '../calibration/batches.ts';
import { rangesOf } from '../calibration/calibrate.ts';
import type { Dataset } from '../calibration/dataset.ts';
import type { Observations } from '../calibration/observe.ts';
import type { RangeMethodName } from '../calibration/ranges/methods.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import { softmax } from '../inference/scores.ts';
import { floatsOf, openSession } from '../inference/session.ts';
import type { Model } from '../onnx/graph.ts';
import { encodeModel } from '../onnx/write.ts';
import type { Range } from './scales.ts';

/** Tried by `auto`. Entropy is left out: on ReLU networks it clips far too much (it aims at 8-bit histograms, not at outputs). */
const CANDIDATES: readonly RangeMethodName[] = ['mse', 'minmax', 'percentile'];

/** Scores of this many pictures decide: three more sessions and a few seconds at most. */
const DECIDING_PICTURES = 128;

export interface ChooseOptions {
  readonly dataset: Dataset;
  readonly indices: readonly number[];
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

/** Ranges by value name. Inputs of the graph keep every value they had: clipping a picture's whites would be seen by all layers. */
export function rangesBy(
  model: Model,
  observations: Observations,
  method: RangeMethodName,
): ReadonlyMap<string, Range> {
  const inputs = Object.fromEntries(model.graph.inputs.map(({ name }) => [name, 'minmax' as const]));
  return new Map(Object.entries(rangesOf(observations, method, inputs)));
}

/**
 * The method whose quantized model answers most like the float one on calibration pictures: least mean Kullback-Leibler
 * divergence of the class probabilities. Needs no labels, and sees differences long before an answer changes.
 */
export async function chooseMethod(
  model: Model,
  quantizeWith: (method: RangeMethodName) => Model,
  options: ChooseOptions,
): Promise<{ readonly method: RangeMethodName; readonly divergence: Readonly<Record<string, number>> }> {
  const expected = await probabilities(model, options);
  const divergence: Record<string, number> = {};
  let best: RangeMethodName = 'mse';
  for (const method of CANDIDATES) {
    divergence[method] = meanDivergence(expected, await probabilities(quantizeWith(method), options));
    if (divergence[method] < (divergence[best] ?? Number.POSITIVE_INFINITY)) best = method;
  }
  return { method: best, divergence };
}

async function probabilities(model: Model, options: ChooseOptions): Promise<Float32Array[]> {
  const { dataset, indices, preprocessing, threads, signal } = options;
  const session = await openSession(encodeModel(model), {
    threads,
    config: { 'session.intra_op.allow_spinning': '0' },
  });
  try {
    const { input, output } = session;
    const found: Float32Array[] = [];
    const stream = batchesOf(dataset, preprocessing, batchSizeFor(input, preprocessing), {
      // Spread over the draw: it is in the order of the set, which may be that of the classes.
      indices: indices.filter((_, i) => i % Math.ceil(indices.length / DECIDING_PICTURES) === 0),
      fixed: typeof input.shape[0] === 'number',
    });
    for await (const { tensor, count } of stream) {
      signal?.throwIfAborted();
      const scores = floatsOf(await session.run({ [input.name]: tensor }, { outputs: [output.name] }), output.name);
      const classes = scores.length / (tensor.dims[0] ?? 1);
      for (let i = 0; i < count; i++) found.push(softmax(scores.subarray(i * classes, (i + 1) * classes)));
    }
    return found;
  } finally {
    await session.close();
  }
}

export function meanDivergence(expected: readonly Float32Array[], got: readonly Float32Array[]): number {
  let sum = 0;
  expected.forEach((p, i) => {
    const q = got[i]!;
    p.forEach((share, c) => {
      if (share > 1e-12) sum += share * Math.log(share / Math.max(q[c]!, 1e-12));
    });
  });
  return sum / Math.max(1, expected.length);
}
