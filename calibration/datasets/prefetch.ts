/**
 * Maps in order with up to `ahead` results under way or waiting: while the consumer computes, the next ones are read and
 * decoded on other threads, and memory holds `ahead + 1` results whatever the length.
 */
export async function* prefetch<T, R>(
  items: Iterable<T>,
  ahead: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const waiting: Promise<R>[] = [];
  const start = (item: T): void => {
    const result = map(item);
    result.catch(() => {}); // reported when its turn comes; until then it must not count as unhandled
    waiting.push(result);
  };
  try {
    for (const item of items) {
      start(item);
      if (waiting.length <= ahead) continue;
      const next = waiting.shift();
      if (next !== undefined) yield await next;
    }
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield await next;
  } finally {
    await Promise.allSettled(waiting);
  }
}
