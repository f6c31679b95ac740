import type { RunOptions } from '../core/progress.ts';
import { nearestRank } from '../core/statistics.ts';
import type { Feeds, Session } from '../inference/session.ts';

/** A loaded model that takes part, with what it is fed. */
interface Runner {
  readonly session: Session;
  readonly feeds: Feeds;
  /** Images a run. */
  readonly batch: number;
}

/** Milliseconds of one image, over all counted runs of one model. */
export interface Timing {
  readonly runs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly minMs: number;
  /** Median over the rounds of this model's time divided by the first model's in the same round. */
  readonly relative: number;
}

/** A turn this long outlasts what the model before it left in the caches. */
const TURN_MS = 25;

/** Runs one model for a turn; the first run, which fetches the weights again, is not counted. */
async function turn({ session, feeds, batch }: Runner): Promise<number[]> {
  await session.run(feeds);
  const times: number[] = [];
  const started = performance.now();
  while (times.length < 3 || performance.now() - started < TURN_MS) {
    const before = performance.now();
    await session.run(feeds);
    times.push((performance.now() - before) / batch);
  }
  return times;
}

/**
 * Times several models in turns. A shared machine is faster in one second than in the next: models that alternate meet
 * the same weather, so their ratios hold where their absolute times do not. Every round begins with another model.
 *
 * @param seconds for all models together; at least three rounds are run
 * @throws {WaysideError} SESSION_RUN; AbortError when `signal` aborts
 */
export async function timeInterleaved(
  runners: readonly Runner[],
  seconds: number,
  { signal, onProgress }: RunOptions = {},
): Promise<Timing[]> {
  const all = runners.map((): number[] => []);
  const medians = runners.map((): number[] => []);
  for (const runner of runners) await turn(runner); // allocates and warms up
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  for (let round = 0; round < 3 || elapsed() < seconds; round++) {
    for (let place = 0; place < runners.length; place++) {
      signal?.throwIfAborted();
      const who = (place + round) % runners.length;
      const times = await turn(runners[who]!);
      all[who]!.push(...times);
      medians[who]!.push(nearestRank(times, 0.5));
    }
    onProgress?.({ stage: 'timing', done: Math.min(seconds, Math.round(elapsed())), total: seconds });
  }
  return runners.map((_, who) => {
    const times = all[who]!;
    const ratios = medians[who]!.map((time, round) => time / medians[0]![round]!);
    return {
      runs: times.length,
      medianMs: nearestRank(times, 0.5),
      p95Ms: nearestRank(times, 0.95),
      minMs: nearestRank(times, 0),
      relative: nearestRank(ratios, 0.5),
    };
  });
}
