import { batchesOf } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { argMax } from '../../inference/scores.ts';
import { floatsOf, floatTensor, openSession, type RunTensor } from '../../inference/session.ts';
import type { Model, ValueInfo } from '../../onnx/graph.ts';
import { encodeModel } from '../../onnx/write.ts';
import type { Weights } from './weights.ts';

export interface Validator {
  /** Share of the pictures classified right with the weights as they are now. */
  accuracy(weights: Weights, signal?: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

const BATCH = 100;

/**
 * Measures a network while it learns, always with one session: weights are its inputs. (A new session for every epoch
 * would leak the old one: microsoft/onnxruntime#25325.)
 */
export async function openValidator(
  model: Model,
  weights: Weights,
  dataset: Dataset,
  preprocessing: Preprocessing,
  { threads, indices }: { readonly threads: number; readonly indices?: readonly number[] | undefined },
): Promise<Validator> {
  const { graph } = model;
  const inputs = weightInputs(weights);
  const names = new Set(inputs.map(({ name }) => name));
  const picture = graph.inputs[0]!;
  const output = graph.outputs[0]!;
  const session = await openSession(
    encodeModel({
      ...model,
      graph: {
        ...graph,
        inputs: [{ ...picture, shape: picture.shape && ['N', ...picture.shape.slice(1)] }, ...inputs],
        outputs: [{ ...output, shape: output.shape && ['N', ...output.shape.slice(1)] }],
        initializers: new Map([...graph.initializers].filter(([name]) => !names.has(name))),
        valueInfo: new Map(),
      },
    }),
    { threads },
  );
  return {
    async accuracy(current, signal) {
      const feeds: Record<string, RunTensor> = {};
      const arrays = [...current.values, ...current.running];
      inputs.forEach(({ name, shape }, i) => {
        feeds[name] = floatTensor(arrays[i]!, shape as readonly number[]);
      });
      let right = 0;
      let total = 0;
      for await (const batch of batchesOf(dataset, preprocessing, BATCH, { indices })) {
        signal?.throwIfAborted();
        const scores = floatsOf(await session.run({ ...feeds, [picture.name]: batch.tensor }), output.name);
        const classes = scores.length / batch.count;
        batch.labels.forEach((label, i) => {
          if (argMax(scores.subarray(i * classes, (i + 1) * classes)) === label) right++;
        });
        total += batch.count;
      }
      return right / total;
    },
    close: () => session.close(),
  };
}

/** Inputs that stand for weights, in the order values, then running statistics. */
function weightInputs({ parameters, statistics, running }: Weights): ValueInfo[] {
  const info = (name: string, shape: readonly number[]): ValueInfo => ({ name, dtype: 'float32', shape });
  return [
    ...parameters.map(({ name, dims }) => info(name, dims)),
    ...statistics.flatMap(({ mean, variance }, i) => [
      info(mean, [running[2 * i]!.length]),
      info(variance, [running[2 * i + 1]!.length]),
    ]),
  ];
}
