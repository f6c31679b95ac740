/**
 * Waits until `lastAt()` is so long ago, ms of `performance.now()`; throws when `signal` aborts. What came while this process stood still is
 * heard first: timers are due before sockets are read (Node's event loop).
 */
export async function quietFor(lastAt: () => number, quietMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      clearImmediate(reading);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const look = (read = false): void => {
      const left = quietMs - (performance.now() - lastAt());
      if (left > 0) timer = setTimeout(look, left);
      else if (read) done();
      else reading = setImmediate(look, true);
    };
    let reading: NodeJS.Immediate | undefined;
    let timer = setTimeout(look, quietMs);
    signal.addEventListener('abort', done);
  });
  signal.throwIfAborted();
}
