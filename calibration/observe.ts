import { messageOf, WaysideError } from '../core/errors.ts';
import type { RunOptions } from '../core/progress.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import { floatTensor, type Results, type RunTensor, type Session } from '../inference/session.ts';
import type { Model } from '../onnx/graph.ts';
import { elementCount } from '../onnx/tensor.ts';
import { type Batch, batchSizeFor } from './batches.ts';
import { channelAxes } from './channel-axes.ts';
import type { Dataset } from './dataset.ts';
import { Histogram } from './histogram.ts';
import { ChannelMoments } from './moments.ts';
import { type Observer, observing, runOver } from './run-over.ts';

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
  /** Positions of the images. @default all */
  readonly indices?: readonly number[] | undefined;
  /** @default 1 */
  readonly threads?: number | undefined;
}

/** Values of all images of a batch together: the share of memory that watching may take. */
const BATCH_BYTES = 48 * 1024 * 1024;
const LARGEST_BATCH = 16;

/** Images a run so that the watched values stay inside their share of memory: found by running one empty image. */
async function batchSizeOf(session: Session, { size }: Preprocessing, outputs: readonly string[]): Promise<number> {
  const [declared] = session.input.shape;
  if (typeof declared === 'number') return declared;
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
  const extent = observation.channels.add(values, dims);
  try {
    if (values.length === 0) observation.histogram.add(NOTHING);
    else observation.histogram.add(values, extent);
  } catch (cause) {
    throw new WaysideError('CALIBRATION_INVALID', { message: `${name}: ${messageOf(cause)}`, cause });
  }
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

/** Watches values while a model runs over images. */
class Watcher implements Observer {
  readonly values: readonly string[];
  readonly observations: Observations;

  /** @param model whose layers say where the channels of a value are */
  constructor(model: Model, values: readonly string[]) {
    const axes = channelAxes(model.graph);
    this.values = values;
    this.observations = new Map(
      values.map((name) => [name, { histogram: new Histogram(), channels: new ChannelMoments(axes.get(name)) }]),
    );
  }

  see(batch: Batch, seen: Results): void {
    for (const [name, observation] of this.observations) watch(name, seen[name], batch, observation);
  }
}

/**
 * Runs a float model over images and watches values inside it, for other observers too. Memory holds one batch of values and one histogram a
 * value, whatever the number of images.
 *
 * @throws {WaysideError} CALIBRATION_MISMATCH for a value the model does not have; CALIBRATION_INVALID for one that is not
 * float32 or not finite; PREPROCESS_MISMATCH, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export function observe(
  model: Model,
  dataset: Dataset,
  options: ObserveOptions,
  others: (session: Session) => readonly Observer[] = () => [],
): Promise<Observations> {
  const { values, threads, ...run } = options;
  return observing(model, values, threads, async (session) => {
    batchSizeFor(session.input, run.preprocessing); // refuses another input before it is fed
    const outputs = values.filter((name) => name !== session.input.name);
    const watcher = new Watcher(model, values);
    const batchSize = await batchSizeOf(session, run.preprocessing, outputs);
    await runOver(session, dataset, [watcher, ...others(session)], {
      ...run,
      batchSize,
      steady: outputs,
      stage: 'calibrating',
    });
    return watcher.observations;
  });
}
