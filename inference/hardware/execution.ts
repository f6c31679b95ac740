import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { type ExecutionProvider, openSession, type Session } from '../session.ts';

/** How a model is to be run. */
export interface ExecutionChoice {
  /** Threads inside one operator; `auto`: as many as are measured to be worth it. */
  readonly threads: number | 'auto';
  readonly provider: ExecutionProvider;
}

/** How it is run. */
export interface Execution {
  /** The one that nodes of the model really ran on. */
  readonly provider: ExecutionProvider;
  /** Why it is not the one that was asked for; null where it is. */
  readonly reason: string | null;
  readonly threads: number;
}

interface Opened {
  readonly session: Session;
  readonly execution: Execution;
}

interface Machine {
  readonly cores?: number;
  /** How long a run takes, ms. */
  readonly measure?: (run: () => Promise<unknown>) => Promise<number>;
}

/** Runs the model once. */
type Trial = (session: Session) => Promise<unknown>;

/**
 * Opens a model as a box runs it. A provider counts only where the runtime's own profile shows nodes of this model on it: asked for CUDA,
 * ONNX Runtime puts on the CPU what it likes, without a word.
 *
 * @throws {WaysideError} SESSION_LOAD, where it does not load on the CPU either
 */
export async function openExecution(
  model: string,
  { threads, provider }: ExecutionChoice,
  trial: Trial,
  { cores = availableParallelism(), measure = medianMs }: Machine = {},
): Promise<Opened> {
  if (provider !== 'cpu') {
    const other = await openOn(model, provider, trial);
    if ('session' in other) return other;
    const { session, execution } = await openOnCpu(model, threads, trial, { cores, measure });
    return { session, execution: { ...execution, reason: other.reason } };
  }
  return await openOnCpu(model, threads, trial, { cores, measure });
}

async function openOn(
  model: string,
  provider: ExecutionProvider,
  trial: Trial,
): Promise<Opened | { readonly reason: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'wayside-profile-'));
  let session: Session | undefined;
  try {
    // Profiling cannot be switched off again: the session that is proved is not the one that serves.
    session = await openSession(model, { provider, profilePrefix: join(folder, 'run') });
    await trial(session);
    session.endProfiling();
    const counts = nodesByProvider(await profileIn(folder));
    const nodes = counts.get(provider) ?? 0;
    if (nodes === 0) return { reason: `ONNX Runtime ran no node of the model on ${provider}` };
    return {
      session: await openSession(model, { provider }),
      execution: { provider, reason: null, threads: 1 },
    };
  } catch (thrown) {
    return { reason: `${provider}: ${messageOf(thrown).slice(0, 300)}` };
  } finally {
    await session?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function profileIn(folder: string): Promise<string> {
  const [name] = await readdir(folder);
  return name === undefined ? '[]' : await readFile(join(folder, name), 'utf8');
}

const PROVIDERS: Readonly<Record<string, ExecutionProvider>> = {
  CPUExecutionProvider: 'cpu',
  CUDAExecutionProvider: 'cuda',
  TensorrtExecutionProvider: 'tensorrt',
};

/** Of a profile of ONNX Runtime: how many runs of nodes each provider had. */
export function nodesByProvider(profile: string): ReadonlyMap<ExecutionProvider, number> {
  const events = JSON.parse(profile) as readonly { readonly args?: { readonly provider?: string } }[];
  const counts = new Map<ExecutionProvider, number>();
  for (const { args } of events) {
    const provider = PROVIDERS[args?.provider ?? ''];
    if (provider !== undefined) counts.set(provider, (counts.get(provider) ?? 0) + 1);
  }
  return counts;
}

/** A faster model has no need of a second thread: at 10 ms one serves 100 regions a second. */
const SLOW_MS = 10;
/** Decoders and the supervisor run beside it, and beyond four threads the layers of small models are too short to share. */
const MOST_THREADS = 4;
/** Worth the processor time that a second thread costs others. */
const WORTH = 0.7;
const RUNS = 5;

async function openOnCpu(
  model: string,
  threads: number | 'auto',
  trial: Trial,
  { cores, measure }: Required<Machine>,
): Promise<Opened> {
  const opened = (session: Session, used: number): Opened => ({
    session,
    execution: { provider: 'cpu', reason: null, threads: used },
  });
  if (threads !== 'auto') return opened(await openSession(model, { threads, config: quietly(threads) }), threads);
  const alone = await openSession(model);
  const more = Math.min(MOST_THREADS, cores - 1);
  if (more < 2) return opened(alone, 1);
  const aloneMs = await measure(() => trial(alone));
  if (aloneMs < SLOW_MS) return opened(alone, 1);
  const shared = await openSession(model, { threads: more, config: quietly(more) });
  const sharedMs = await measure(() => trial(shared));
  const better = sharedMs <= aloneMs * WORTH;
  await (better ? alone : shared).close();
  return better ? opened(shared, more) : opened(alone, 1);
}

/**
 * Threads that wait for work sleep instead of turning in a loop. Measured, two threads, a run every 40 ms (x64 with VNNI, ONNX Runtime
 * 1.30): the street model takes 5.2 to 6.7 ms of processor time a run with spinning, 0.8 to 1.2 without, 0.8 on one thread.
 */
const quietly = (threads: number): Readonly<Record<string, string>> =>
  threads > 1 ? { 'session.intra_op.allow_spinning': '0' } : {};

async function medianMs(run: () => Promise<unknown>): Promise<number> {
  await run(); // the first is slow: allocations happen there
  const times: number[] = [];
  for (let index = 0; index < RUNS; index++) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.POSITIVE_INFINITY;
}
