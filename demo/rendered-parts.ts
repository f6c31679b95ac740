import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { compiledModule } from '../core/layout.ts';
import type { RunOptions } from '../core/progress.ts';

/** Scenes a thread renders in one go. */
const AT_ONCE = 10;

interface PartOptions extends RunOptions {
  readonly scenes: number;
  readonly threads: number;
}

/**
 * Renders scenes on several threads, some in one go: the same whatever the number of threads, in the scenes' order.
 *
 * @param module of the thread: it is given `taskOf` of its scenes as `workerData`, and answers with one message
 */
export async function renderedParts<Task, Part>(
  module: string,
  taskOf: (from: number, to: number) => Task,
  { scenes, threads, onProgress, signal }: PartOptions,
): Promise<Part[]> {
  const parts = Array.from({ length: Math.ceil(scenes / AT_ONCE) }, (): Part | undefined => undefined);
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < parts.length) {
      signal?.throwIfAborted();
      const part = next++;
      const from = part * AT_ONCE;
      const to = Math.min(scenes, from + AT_ONCE);
      const worker = new Worker(compiledModule(module), { workerData: taskOf(from, to) });
      [parts[part]] = (await once(worker, 'message')) as [Part];
      await worker.terminate();
      done += to - from;
      onProgress?.({ stage: 'rendering scenes', done, total: scenes });
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return parts.filter((part) => part !== undefined);
}
