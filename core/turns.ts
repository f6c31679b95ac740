/** How long work may keep the event loop to itself: an interrupt is heard this much later at most, plus the step under way. */
const LONGEST_MS = 50;

/**
 * For long loops: called once a step, it gives the event loop a turn now and then, so that signals are heard, and throws once the
 * work is to stop. Without it a loop of minutes obeys only when it is done.
 *
 * @throws the reason of `signal` when it is aborted
 */
export type Turn = () => Promise<void>;

export function turnsOf(signal: AbortSignal | undefined): Turn {
  let last = performance.now();
  return async () => {
    signal?.throwIfAborted();
    if (performance.now() - last < LONGEST_MS) return;
    await new Promise(setImmediate);
    last = performance.now();
    signal?.throwIfAborted();
  };
}
