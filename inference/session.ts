import { messageOf, WaysideError } from '../core/errors.ts';
import { InferenceSession, type OrtSession, type OrtTensor, Tensor } from './runtime.ts';

/** Element types a classifier is fed with or answers in, with the typed array that holds each. */
interface TensorData {
  float32: Float32Array;
  float64: Float64Array;
  uint8: Uint8Array;
  int8: Int8Array;
  int32: Int32Array;
  int64: BigInt64Array;
}

type RunTensorType = keyof TensorData;

/** A value going into or coming out of a run: row-major `data` of shape `dims`. */
export interface RunTensor<T extends RunTensorType = RunTensorType> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly data: TensorData[T];
}

/** What a model declares of an input or output; a symbolic dimension is its name (`'N'`). */
export interface ValueSpec {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

/** What ONNX Runtime computes with. */
export type ExecutionProvider = 'cpu' | 'cuda' | 'tensorrt';

export interface SessionOptions {
  /** Threads inside one operator. @default 1 */
  readonly threads?: number;
  /** Where its libraries are there; the CPU takes what it cannot. @default 'cpu' */
  readonly provider?: ExecutionProvider;
  /** Writes what each node took, and on which provider, to a file whose name begins so; see `Session.endProfiling`. */
  readonly profilePrefix?: string;
  /** How far ONNX Runtime rewrites the graph. @default 'all' */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Writes the rewritten graph here: the proof of what was fused. Holds layouts of this processor: never ship it. */
  readonly optimizedModelPath?: string;
  /** Session configuration entries by their ONNX Runtime names, such as `session.qdqisint8allowed`. */
  readonly config?: Readonly<Record<string, string>>;
}

/** As a person chooses between them. */
export const describeOutputs = (outputs: readonly ValueSpec[]): string =>
  outputs.map(({ name, type, shape }) => `${name}, ${type} [${shape.join(', ')}]`).join('; ');

export type Feeds = Readonly<Record<string, RunTensor>>;
export type Results = Record<string, RunTensor>;

interface RunChoice {
  /** Names of the outputs to compute; all by default. */
  readonly outputs?: readonly string[];
  /** Preallocated tensors to fill instead of new ones, by output name; dims must be exact. */
  readonly into?: Readonly<Record<string, RunTensor>>;
}

export const floatTensor = (data: Float32Array, dims: readonly number[]): RunTensor<'float32'> => ({
  type: 'float32',
  dims,
  data,
});
/** The float values of a result. @throws {WaysideError} SESSION_RUN when it is absent or of another type */
export function floatsOf(results: Results, name: string): Float32Array {
  const tensor = results[name];
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new WaysideError('SESSION_RUN', {
    message: `output ${name}: expected float32, got ${tensor?.type ?? 'nothing'}`,
  });
}

const toOrt = (tensor: RunTensor): OrtTensor =>
  new Tensor(tensor.type as 'float32', tensor.data as Float32Array, tensor.dims);

const fromOrt = (tensor: OrtTensor): RunTensor => ({
  type: tensor.type as RunTensorType,
  dims: tensor.dims,
  data: tensor.data as TensorData[RunTensorType],
});

/** `a.b.c: v` becomes `{a: {b: {c: v}}}`, the form in which onnxruntime-node takes configuration entries. */
function nested(config: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const path = key.split('.');
    const last = path.pop() ?? key;
    let level = root;
    for (const part of path) {
      level[part] ??= {};
      level = level[part] as Record<string, unknown>;
    }
    level[last] = value;
  }
  return root;
}

const specs = (metadata: readonly OrtSession.ValueMetadata[]): ValueSpec[] =>
  metadata.map((value) =>
    value.isTensor
      ? { name: value.name, type: value.type, shape: value.shape }
      : { name: value.name, type: 'not a tensor', shape: [] },
  );

/**
 * A loaded model. `run` computes on the calling thread: the event loop stands still meanwhile, while sharp and file reads
 * go on in their own threads.
 */
export class Session {
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  readonly #session: OrtSession;

  constructor(session: OrtSession) {
    this.#session = session;
    this.inputs = specs(session.inputMetadata);
    this.outputs = specs(session.outputMetadata);
  }

  /** The only input of an image classifier. @throws {WaysideError} PREPROCESS_MISMATCH when there are others */
  get input(): ValueSpec {
    const [input, ...others] = this.inputs;
    if (input !== undefined && others.length === 0) return input;
    throw new WaysideError('PREPROCESS_MISMATCH', {
      message: `expected a model with one input, got ${this.inputs.length}`,
      hint: 'Wayside handles image classifiers with one image as input',
    });
  }

  /** The first output: the scores of an image classifier. */
  get output(): ValueSpec {
    const output = this.outputs[0];
    if (output !== undefined) return output;
    throw new WaysideError('PREPROCESS_MISMATCH', { message: 'the model has no output' });
  }

  /** The output that is taken for the scores: the one of that name, else the first. @throws {WaysideError} USAGE when there is no such */
  scores(name?: string): ValueSpec {
    const found = name === undefined ? this.output : this.outputs.find((output) => output.name === name);
    if (found !== undefined) return found;
    throw new WaysideError('USAGE', {
      message: `the model has no output ${name}`,
      hint: `it has ${describeOutputs(this.outputs)}`,
    });
  }

  /** @throws {WaysideError} SESSION_RUN */
  async run(feeds: Feeds, { outputs, into = {} }: RunChoice = {}): Promise<Results> {
    const fetches: Record<string, OrtTensor | null> = {};
    for (const name of outputs ?? this.#session.outputNames) {
      const preallocated = into[name];
      fetches[name] = preallocated === undefined ? null : toOrt(preallocated);
    }
    try {
      const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)]));
      const results = await this.#session.run(inputs, fetches);
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
    } catch (cause) {
      throw new WaysideError('SESSION_RUN', { message: `ONNX Runtime failed: ${messageOf(cause)}`, cause });
    }
  }

  /** Completes the profile of a session that was opened for one. */
  endProfiling(): void {
    this.#session.endProfiling();
  }

  /** Frees the native memory. The session cannot be used afterwards. */
  async close(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * Loads a model from a file or from bytes.
 *
 * ONNX Runtime 1.30 leaks on repeated loading in one process (microsoft/onnxruntime#25325): a long-running process
 * loads one model and ends with it.
 *
 * @throws {WaysideError} SESSION_LOAD
 */
export async function openSession(
  model: string | Uint8Array,
  {
    threads = 1,
    provider = 'cpu',
    profilePrefix,
    optimization = 'all',
    optimizedModelPath,
    config = {},
  }: SessionOptions = {},
): Promise<Session> {
  const options: OrtSession.SessionOptions = {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: optimization,
    logSeverityLevel: 3,
    extra: nested(config),
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    ...(optimizedModelPath === undefined ? {} : { optimizedModelFilePath: optimizedModelPath }),
  };
  try {
    const session =
      typeof model === 'string'
        ? await InferenceSession.create(model, options)
        : await InferenceSession.create(model, options);
    return new Session(session);
  } catch (cause) {
    const what = typeof model === 'string' ? model : `a model of ${model.byteLength} bytes`;
    throw new WaysideError('SESSION_LOAD', {
      message: `ONNX Runtime refused ${what}: ${messageOf(cause)}`,
      hint: 'check the file with `wayside inspect`',
      cause,
    });
  }
}
