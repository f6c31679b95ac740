import { answerParent } from '../core/child.ts';

/** What loading a model costs a process that does nothing else. */
export interface LoadCost {
  /** From the file to a session that can run. */
  readonly loadMs: number;
  /** Resident bytes that the model and its first runs added to a process with ONNX Runtime loaded. */
  readonly memoryBytes: number;
}

export interface LoadRequest {
  readonly model: string;
  readonly threads: number;
  /** `[H, W]`, for models whose input leaves it open. */
  readonly size: readonly [number, number];
}

const RUNS = 10;

async function measure({ model, threads, size }: LoadRequest): Promise<LoadCost> {
  const { openSession } = await import('../inference/session.ts');
  const { randomFeeds } = await import('../inference/latency.ts');
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const session = await openSession(model, { threads });
  const loadMs = performance.now() - started;
  const { feeds } = randomFeeds(session, size);
  for (let run = 0; run < RUNS; run++) await session.run(feeds);
  return { loadMs, memoryBytes: Math.max(0, process.memoryUsage.rss() - before) };
}

// Started as a process of its own by `wayside bench`: memory cannot be told apart inside one.
answerParent(import.meta.url, measure);
