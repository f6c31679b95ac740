import { askModule } from '../core/child.ts';
import { WaysideError } from '../core/errors.ts';
import type { LoadCost, LoadRequest } from './load-probe.ts';

/**
 * Loads a model in a fresh process and says what that cost.
 *
 * @throws {WaysideError} SESSION_LOAD when it cannot be loaded, or the process ended without an answer; AbortError when `signal` aborts
 */
export async function loadCost(request: LoadRequest, signal: AbortSignal): Promise<LoadCost> {
  try {
    return await askModule<LoadRequest, LoadCost>('cli/load-probe', request, {
      lost: (how) => new WaysideError('SESSION_LOAD', { message: `it ${how}` }),
      signal,
    });
  } catch (thrown) {
    if (!(thrown instanceof WaysideError)) throw thrown;
    throw new WaysideError('SESSION_LOAD', {
      message: `${request.model}: a fresh process could not load it: ${thrown.message}`,
      cause: thrown,
    });
  }
}
