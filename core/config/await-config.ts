import { setTimeout as pause } from 'node:timers/promises';
import { asWaysideError, Exit, type WaysideError } from '../errors.ts';
import type { Log } from '../log.ts';
import { monotonicUsec, type Notifier } from '../notify.ts';
import { recordReload } from './reload-outcome.ts';

/** How often a configuration that cannot be used is looked at again: it is one small file. */
const AGAIN_MS = 2000;

interface Waiting {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly notifier: Notifier;
  /** @default AGAIN_MS */
  readonly againMs?: number;
}

/** What a person has to put right, as opposed to a fault of ours. */
async function refusalOf(load: () => Promise<unknown>): Promise<WaysideError | undefined> {
  try {
    await load();
    return undefined;
  } catch (thrown) {
    const error = asWaysideError(thrown);
    if (error.exitCode === Exit.config || error.exitCode === Exit.noInput) return error;
    throw thrown;
  }
}

/**
 * Waits until a configuration can be loaded. A box must not restart in circles while there is none, nor stay down once it is
 * there: it is ready, says what it waits for, and looks again by itself and at SIGHUP.
 *
 * From the first look on, SIGHUP does not end the process any more.
 *
 * @returns false when it was aborted before there was one
 */
export async function awaitConfig(
  load: () => Promise<unknown>,
  { signal, log, notifier, againMs = AGAIN_MS }: Waiting,
): Promise<boolean> {
  let woken = new AbortController();
  process.on('SIGHUP', () => woken.abort());
  let said = '';
  while (!signal.aborted) {
    const asked = woken.signal.aborted;
    if (asked) {
      woken = new AbortController();
      notifier.notify('RELOADING=1', `MONOTONIC_USEC=${monotonicUsec()}`);
    }
    const refusal = await refusalOf(load);
    if (asked) recordReload(refusal);
    if (refusal === undefined) return true;
    const { code, message, hint } = refusal;
    if (message !== said) log.error({ code, reason: message, hint }, 'waiting for a configuration');
    said = message;
    notifier.notify('READY=1', 'WATCHDOG=1', `STATUS=waiting for a configuration: ${code}: ${message}`);
    await pause(againMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
  }
  return false;
}
