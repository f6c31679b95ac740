import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askModule } from '../core/child.ts';
import { WaysideError } from '../core/errors.ts';
import type { LatencyRequest } from './latency-probe.ts';
import type { Preprocessing } from './preprocess.ts';

interface LatencyApartOptions {
  readonly budgetMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Median milliseconds of one image on one thread, as `measureLatency` finds it in a fresh process. One that has computed for
 * minutes measures too much: an int8 ResNet20 took 0.31 to 0.34 ms at the end of a compression, 0.21 ms in a process of its own.
 *
 * @param model the path of an ONNX file, or its bytes
 * @throws {WaysideError} SESSION_LOAD when the process ended without an answer; AbortError when `signal` aborts
 */
export async function latencyApart(
  model: string | Uint8Array,
  { size }: Pick<Preprocessing, 'size'>,
  { budgetMs, signal }: LatencyApartOptions = {},
): Promise<number> {
  if (typeof model === 'string') return ask({ model, size, ...(budgetMs !== undefined && { budgetMs }) }, signal);
  const folder = await mkdtemp(join(tmpdir(), 'wayside-latency-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeFile(path, model);
    return await latencyApart(path, { size }, { budgetMs, signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ask(request: LatencyRequest, signal: AbortSignal | undefined): Promise<number> {
  try {
    return await askModule<LatencyRequest, number>('inference/latency-probe', request, {
      lost: (how) => new WaysideError('SESSION_LOAD', { message: `it ${how}` }),
      signal,
    });
  } catch (thrown) {
    if (!(thrown instanceof WaysideError)) throw thrown;
    throw new WaysideError('SESSION_LOAD', {
      message: `${request.model}: a fresh process could not run it: ${thrown.message}`,
      cause: thrown,
    });
  }
}
