import type { RunOptions } from '../core/progress.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import type { Results, Session } from '../inference/session.ts';
import type { Model } from '../onnx/graph.ts';
import { type Batch, batchesOf, batchSizeFor } from './batches.ts';
import type { Dataset } from './dataset.ts';
import { exposing } from './exposing.ts';
import { openGraph } from './graph-session.ts';

interface BatchOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  /** Positions of the images. @default all */
  readonly indices?: readonly number[] | undefined;
  /** Said to the progress listener, which hears nothing without it. */
  readonly stage?: string | undefined;
}

interface RunOverOptions extends BatchOptions {
  /** Images a run where the model leaves the batch open. @default 16 */
  readonly batchSize?: number | undefined;
  /** Values of one size in all full batches: they are written into the same arrays. What a detector finds is not. @default none */
  readonly steady?: readonly string[];
}

/** Looks at what a model computes of images, one batch after the other. */
export interface Observer {
  /** Inputs and outputs of the session that it reads. */
  readonly values: readonly string[];
  /** @param seen the values; they are overwritten by the next batch: copy what is kept */
  see(batch: Batch, seen: Results): void | Promise<void>;
}

/**
 * Goes through a data set in batches of one size: the one place where a loop over images is stopped and tells how far it is.
 *
 * @param size images a batch; the last one has fewer rows, unless the batch is `fixed`
 * @throws {WaysideError} what reading the set throws; AbortError when `signal` aborts
 */
export async function overBatches(
  dataset: Dataset,
  size: number,
  { preprocessing, indices, stage, signal, onProgress }: BatchOptions,
  see: (batch: Batch) => void | Promise<void>,
  fixed = false,
): Promise<void> {
  const total = indices?.length ?? dataset.size;
  let done = 0;
  for await (const batch of batchesOf(dataset, preprocessing, size, { indices, fixed })) {
    signal?.throwIfAborted();
    await see(batch);
    done += batch.count;
    if (stage !== undefined) onProgress?.({ stage, done, total });
  }
}

/**
 * The one loop that runs a model over a data set: whoever wants something of it observes. Memory holds one batch of images and the observed
 * values of one.
 *
 * @throws {WaysideError} PREPROCESS_MISMATCH, SESSION_RUN, what observers throw; AbortError when `signal` aborts
 */
export async function runOver(
  session: Session,
  dataset: Dataset,
  observers: readonly Observer[],
  { batchSize, steady = [], ...options }: RunOverOptions,
): Promise<void> {
  const { input } = session;
  const size = batchSizeFor(input, options.preprocessing, batchSize);
  const wanted = new Set(observers.flatMap(({ values }) => values));
  const outputs = [...wanted].filter((name) => name !== input.name);
  let into: Results = {};
  const see = async (batch: Batch): Promise<void> => {
    const { tensor } = batch;
    const whole = tensor.dims[0] === size;
    const run = { outputs, into: whole ? into : {} };
    const results = outputs.length === 0 ? {} : await session.run({ [input.name]: tensor }, run);
    if (whole) into = Object.fromEntries(steady.flatMap((name) => (results[name] ? [[name, results[name]]] : [])));
    const seen = { ...results, [input.name]: tensor };
    for (const observer of observers) await observer.see(batch, seen);
  };
  await overBatches(dataset, size, options, see, typeof input.shape[0] === 'number');
}

/** A session to look into a model with: waiting threads would take the cores of whatever else runs, on ResNet50 twice the CPU time. */
export const openToObserve = (model: Model, values: readonly string[], threads = 1): Promise<Session> =>
  openGraph(exposing(model, values), { threads, config: { 'session.intra_op.allow_spinning': '0' } });

/** Opens a session to observe, uses it and closes it. */
export async function observing<T>(
  model: Model,
  values: readonly string[],
  threads: number | undefined,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openToObserve(model, values, threads);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}
