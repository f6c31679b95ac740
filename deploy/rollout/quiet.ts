/** Waits until `lastAt()` is so long ago, ms of `performance.now()`; throws when `signal` aborts. */
export async function quietFor(lastAt: () => number, quietMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const look = (): void => {
      const left = quietMs - (performance.now() - lastAt());
      if (left <= 0) done();
      else timer = setTimeout(look, left);
    };
    let timer = setTimeout(look, quietMs);
    signal.addEventListener('abort', done);
  });
  signal.throwIfAborted();
}
