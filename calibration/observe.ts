import { messageOf, WaysideError } from '../core/errors.ts';
import type { RunOptions } from '../core/progress.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import { floatTensor, type RunTensor, type Session } from '../inference/session.ts';
import type { Model } from '../onnx/graph.ts';
import { elementCount } from '../onnx/tensor.ts';
import { type Batch, batchesOf, batchSizeFor } from './batches.ts';
import { channelAxes } from './channel-axes.ts';
import type { Dataset } from './dataset.ts';
import { openGraph } from './graph-session.ts';
import { Histogram } from './histogram.ts';
import { ChannelMoments } from './moments.ts';

/** What was seen of one value of the graph. */
export interface Observation {
  readonly histogram: Histogram;
  /** Of each channel, where the layers around the value say which axis they are on. */
  readonly channels: ChannelMoments;
}

export type Observations = ReadonlyMap<string, Observation>;

export interface ObserveOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  /** Values to watch: graph inputs, or outputs of nodes; all float32. */
  readonly values: readonly string[];
  /** Positions of the pictures. @default all */
  readonly indices?: readonly number[] | undefined;
  /** @default 1 */
  readonly threads?: number | undefined;
}

/** Values of all pictures of a batch together: the share of memory that watching may take. */
const BATCH_BYTES = 48 * 1024 * 1024;
const LARGEST_BATCH = 16;

/** The model with the watched values among its outputs, so that ONNX Runtime hands them out. */
export function exposing(model: Model, values: readonly string[]): Model {
  const { graph } = model;
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const given = new Set(graph.inputs.map(({ name }) => name));
  const added = values.filter((name) => !outputs.has(name) && !given.has(name));
  const unknown = added.find((name) => !made.has(name));
  if (unknown !== undefined) {
    throw new WaysideError('CALIBRATION_MISMATCH', {
      message: `the model has no value ${JSON.stringify(unknown)} to observe`,
    });
  }
  const exposed = added.map((name) => ({ name, dtype: 'float32' as const, shape: null }));
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, ...exposed] } };
}

/** Pictures a run so that the watched values stay inside their share of memory: found by running one empty picture. */
async function batchSizeOf(session: Session, { size }: Preprocessing, outputs: readonly string[]): Promise<number> {
  const dims = [1, 3, ...size];
  const empty = floatTensor(new Float32Array(3 * size[0] * size[1]), dims);
  const results = await session.run({ [session.input.name]: empty }, { outputs });
  const bytes = Object.values(results).reduce((sum, { data }) => sum + data.byteLength, 0);
  return Math.max(1, Math.min(LARGEST_BATCH, Math.floor(BATCH_BYTES / Math.max(1, bytes))));
}

/** Of a value that a Slice left nothing of: every range holds 0, and this asks for no more. */
const NOTHING = new Float32Array(1);

function watch(name: string, tensor: RunTensor | undefined, batch: Batch, observation: Observation): void {
  if (tensor === undefined || !(tensor.data instanceof Float32Array)) {
    throw new WaysideError('CALIBRATION_INVALID', {
      message: `${name}: expected float32 values, got ${tensor?.type ?? 'none'}`,
    });
  }
  const dims = withoutRepeated(tensor.dims, batch);
  const values = tensor.data.subarray(0, elementCount(dims));
  try {
    observation.histogram.add(values.length === 0 ? NOTHING : values);
  } catch (cause) {
    throw new WaysideError('CALIBRATION_INVALID', { message: `${name}: ${messageOf(cause)}`, cause });
  }
  observation.channels.add(values, dims);
}

/**
 * The shape of what belongs to the images of a batch that a model of fixed batch got filled up. The images come first where the first
 * axis is made of them, alone or with the windows they were cut into; of any other value the images left over from before count twice.
 */
export function withoutRepeated(
  dims: readonly number[],
  { count, tensor }: Pick<Batch, 'count' | 'tensor'>,
): readonly number[] {
  const [first = 1, ...rest] = dims;
  const rows = tensor.dims[0] ?? 1;
  return count < rows && dims.length > 0 && first % rows === 0 ? [(first / rows) * count, ...rest] : dims;
}

/**
 * Runs a float model over pictures and watches values inside it. Memory holds one batch of values and one histogram a
 * value, whatever the number of pictures.
 *
 * @throws {WaysideError} CALIBRATION_MISMATCH for a value the model does not have; CALIBRATION_INVALID for one that is not
 * float32 or not finite; PREPROCESS_MISMATCH, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function observe(model: Model, dataset: Dataset, options: ObserveOptions): Promise<Observations> {
  const { preprocessing, values, indices, threads = 1, signal, onProgress } = options;
  const session = await openGraph(exposing(model, values), {
    threads,
    config: { 'session.intra_op.allow_spinning': '0' }, // waiting threads would take the cores of whatever else runs
  });
  try {
    const { input } = session;
    const fixed = typeof input.shape[0] === 'number';
    const outputs = values.filter((name) => name !== input.name);
    const total = indices?.length ?? dataset.size;
    // Also where the batch is fixed: it checks the input against the preprocessing.
    const declared = batchSizeFor(input, preprocessing);
    const batchSize = fixed ? declared : await batchSizeOf(session, preprocessing, outputs);
    const axes = channelAxes(model.graph);
    const observations = new Map(
      values.map((name) => [name, { histogram: new Histogram(), channels: new ChannelMoments(axes.get(name)) }]),
    );
    let reused: Record<string, RunTensor> = {};
    let done = 0;
    for await (const batch of batchesOf(dataset, preprocessing, batchSize, { indices, fixed })) {
      signal?.throwIfAborted();
      const { tensor, count } = batch;
      const into = tensor.dims[0] === batchSize ? reused : {};
      const results = await session.run({ [input.name]: tensor }, { outputs, into });
      if (tensor.dims[0] === batchSize) reused = results;
      for (const [name, observation] of observations) {
        watch(name, name === input.name ? tensor : results[name], batch, observation);
      }
      done += count;
      onProgress?.({ stage: 'calibrating', done, total });
    }
    return observations;
  } finally {
    await session.close();
  }
}
