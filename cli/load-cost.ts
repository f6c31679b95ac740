import { fork } from 'node:child_process';
import { once } from 'node:events';
import { WaysideError } from '../core/errors.ts';
import { compiledModule } from '../core/layout.ts';
import type { LoadCost, LoadRequest } from './load-probe.ts';

type Answer = { readonly cost: LoadCost } | { readonly error: string };

/**
 * Loads a model in a fresh process and says what that cost.
 *
 * @throws {WaysideError} SESSION_LOAD when the process ended without an answer; AbortError when `signal` aborts
 */
export async function loadCost(request: LoadRequest, signal: AbortSignal): Promise<LoadCost> {
  const child = fork(compiledModule('cli/load-probe'), {
    signal,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    killSignal: 'SIGKILL',
  });
  let answer: Answer | undefined;
  child.once('message', (message) => {
    answer = message as Answer;
  });
  const closed = once(child, 'close'); // rejects with the abort: fork() reports it as an error of the child
  child.send(request);
  await closed;
  if (answer !== undefined && 'cost' in answer) return answer.cost;
  throw new WaysideError('SESSION_LOAD', {
    message: `${request.model}: a fresh process could not load it${answer === undefined ? '' : `: ${answer.error}`}`,
  });
}
