import type { Preprocessing } from '../../inference/preprocess.ts';
import { argMax } from '../../inference/scores.ts';
import { floatsOf, floatTensor, openSession, type RunTensor } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model, ValueInfo } from '../../onnx/graph.ts';
import { normalizationTables, place, UNCHANGED } from './data/augment.ts';
import type { ImageSet } from './data/images.ts';
import { AS_WRITTEN } from './stepper.ts';
import type { Weights } from './weights.ts';

interface Validator {
  /** Share of the images classified right with the weights as they are now. */
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
  images: ImageSet,
  preprocessing: Preprocessing,
  threads: number,
): Promise<Validator> {
  const inputs = weightInputs(weights);
  const image = model.graph.inputs[0]!.name;
  const output = model.graph.outputs[0]!.name;
  const session = await openSession(encodeModel(withWeightInputs(model, inputs)), { threads, config: AS_WRITTEN });
  const fill = filler(images, preprocessing);
  const labels = new Int32Array(images.labels);
  const { positions } = images;
  return {
    async accuracy(current, signal) {
      const feeds: Record<string, RunTensor> = {};
      const arrays = [...current.values, ...current.running];
      inputs.forEach(({ name, shape }, i) => {
        feeds[name] = floatTensor(arrays[i]!, shape as readonly number[]);
      });
      let right = 0;
      for (let from = 0; from < positions.length; from += BATCH) {
        signal?.throwIfAborted();
        const chosen = positions.slice(from, from + BATCH);
        const scores = floatsOf(await session.run({ ...feeds, [image]: fill(chosen) }), output);
        const classes = scores.length / chosen.length;
        chosen.forEach((position, i) => {
          if (argMax(scores.subarray(i * classes, (i + 1) * classes)) === labels[position]) right++;
        });
      }
      return right / positions.length;
    },
    close: () => session.close(),
  };
}

/** Normalised images as a tensor, in memory that the next call overwrites. */
function filler(images: ImageSet, preprocessing: Preprocessing): (positions: readonly number[]) => RunTensor {
  const [height, width] = images.size;
  const length = 3 * height * width;
  const planes = new Uint8Array(images.planes);
  const tables = normalizationTables(preprocessing);
  const data = new Float32Array(BATCH * length);
  return (positions) => {
    positions.forEach((position, i) => {
      place(planes, position, images.size, tables, UNCHANGED, data, i * length);
    });
    return floatTensor(data.subarray(0, positions.length * length), [positions.length, 3, height, width]);
  };
}

/** The model with these initializers as inputs, and its batch left open. */
function withWeightInputs(model: Model, inputs: readonly ValueInfo[]): Model {
  const { graph } = model;
  const names = new Set(inputs.map(({ name }) => name));
  const open = (info: ValueInfo): ValueInfo => ({ ...info, shape: info.shape && ['N', ...info.shape.slice(1)] });
  return {
    ...model,
    graph: {
      ...graph,
      inputs: [open(graph.inputs[0]!), ...inputs],
      outputs: [open(graph.outputs[0]!)],
      initializers: new Map([...graph.initializers].filter(([name]) => !names.has(name))),
      valueInfo: new Map(),
    },
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
