import { answerParent } from '../core/child.ts';
import type { Preprocessing } from './preprocess.ts';

export interface LatencyRequest {
  /** ONNX file. */
  readonly model: string;
  /** `[H, W]`, for models whose input leaves it open. */
  readonly size: Preprocessing['size'];
  /** Counting ends here, milliseconds. @default that of `measureLatency` */
  readonly budgetMs?: number;
}

async function measure({ model, size, budgetMs }: LatencyRequest): Promise<number> {
  const [{ openSession }, { measureLatency }] = await Promise.all([import('./session.ts'), import('./latency.ts')]);
  const session = await openSession(model, { threads: 1 });
  return measureLatency(session, { size }, budgetMs === undefined ? {} : { budgetMs });
}

answerParent(import.meta.url, measure); // started as a process of its own by `latencyApart`
