import { pathToFileURL } from 'node:url';
import type { Preprocessing } from './preprocess.ts';

export interface LatencyRequest {
  /** ONNX file. */
  readonly model: string;
  /** `[H, W]`, for models whose input leaves it open. */
  readonly size: Preprocessing['size'];
  /** Counting ends here, milliseconds. @default that of `measureLatency` */
  readonly budgetMs?: number;
}

export type LatencyAnswer = { readonly latencyMs: number } | { readonly error: string };

async function measure({ model, size, budgetMs }: LatencyRequest): Promise<number> {
  const [{ openSession }, { measureLatency }] = await Promise.all([import('./session.ts'), import('./latency.ts')]);
  const session = await openSession(model, { threads: 1 });
  return measureLatency(session, { size }, budgetMs === undefined ? {} : { budgetMs });
}

// Started as a process of its own by `latencyApart`. One whose parent is gone has nobody to answer.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.once('disconnect', () => process.exit());
  process.once('message', (request: LatencyRequest) => {
    const answer = (given: LatencyAnswer): void => {
      process.send?.(given, () => process.disconnect());
    };
    measure(request).then(
      (latencyMs) => answer({ latencyMs }),
      (error: unknown) => answer({ error: String(error) }),
    );
  });
}
