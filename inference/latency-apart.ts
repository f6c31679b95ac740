import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WaysideError } from '../core/errors.ts';
import { compiledModule } from '../core/layout.ts';
import type { LatencyAnswer, LatencyRequest } from './latency-probe.ts';
import type { Preprocessing } from './preprocess.ts';

export interface LatencyApartOptions extends Pick<LatencyRequest, 'budgetMs'> {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Median milliseconds of one picture on one thread, as `measureLatency` finds it in a fresh process. One that has computed for
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
    return await latencyApart(path, { size }, { ...(budgetMs !== undefined && { budgetMs }), signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ask(request: LatencyRequest, signal: AbortSignal | undefined): Promise<number> {
  const child = fork(compiledModule('inference/latency-probe'), {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  });
  let answer: LatencyAnswer | undefined;
  child.once('message', (message) => {
    answer = message as LatencyAnswer;
  });
  const closed = once(child, 'close'); // rejects with the abort: fork() reports it as an error of the child
  child.send(request);
  await closed;
  if (answer !== undefined && 'latencyMs' in answer) return answer.latencyMs;
  throw new WaysideError('SESSION_LOAD', {
    message: `${request.model}: a fresh process could not run it${answer === undefined ? '' : `: ${answer.error}`}`,
  });
}
