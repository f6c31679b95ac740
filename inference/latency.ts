import { WaysideError } from '../core/errors.ts';
import { seededRandom } from '../core/random.ts';
import { median } from '../core/statistics.ts';
import type { Preprocessing } from './preprocess.ts';
import { type Feeds, floatTensor, type Session } from './session.ts';

interface LatencyOptions {
  /** Runs that are not counted: the first ones allocate and fill caches. @default 5 */
  readonly warmUp?: number;
  /** Runs that are counted at most. @default 200 */
  readonly runs?: number;
  /** Counting ends here, milliseconds; three runs are always made. @default 2000 */
  readonly budgetMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Seeded noise in the shape that the model takes, its own batch or one image, for timing.
 *
 * @param size `[H, W]`, for models whose input leaves it open
 * @throws {WaysideError} PREPROCESS_MISMATCH when the input is not float32
 */
export function randomFeeds(
  { input }: Session,
  size: Preprocessing['size'],
): { readonly feeds: Feeds; readonly batch: number } {
  if (input.type !== 'float32') {
    throw new WaysideError('PREPROCESS_MISMATCH', {
      message: `input ${input.name}: expected float32, got ${input.type}`,
    });
  }
  const batch = typeof input.shape[0] === 'number' ? input.shape[0] : 1;
  const dims = [batch, 3, ...size];
  const random = seededRandom(1);
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { feeds: { [input.name]: floatTensor(data, dims) }, batch };
}

/**
 * Median milliseconds of one image. Open the session with one thread: that is what published figures mean. A model of
 * fixed batch is timed as it is and the time divided by its batch.
 *
 * @throws {WaysideError} SESSION_RUN, PREPROCESS_MISMATCH
 */
export async function measureLatency(
  session: Session,
  { size }: Pick<Preprocessing, 'size'>,
  { warmUp = 5, runs = 200, budgetMs = 2000, signal }: LatencyOptions = {},
): Promise<number> {
  const { feeds, batch } = randomFeeds(session, size);

  const started = performance.now();
  for (let run = 0; run < warmUp && (run < 1 || performance.now() - started < budgetMs); run++)
    await session.run(feeds);
  const times: number[] = [];
  const counted = performance.now();
  while (times.length < runs && (times.length < 3 || performance.now() - counted < budgetMs)) {
    signal?.throwIfAborted();
    const before = performance.now();
    await session.run(feeds);
    times.push((performance.now() - before) / batch);
  }
  return median(times);
}
