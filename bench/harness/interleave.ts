import { seededRandom } from '../../core/random.ts';
import { median } from '../../core/statistics.ts';
import { floatTensor, openSession, type Session } from '../../inference/session.ts';

const ROUNDS = 40;
const RUNS_A_ROUND = 15;
const WARM_UP_RUNS = 30;

/** Latencies of one model: the median of every round, ms. */
export interface InterleavedLatency {
  readonly rounds: readonly number[];
  readonly median: number;
}

async function timeRuns(session: Session, feed: Float32Array, dims: readonly number[], runs: number): Promise<number> {
  const feeds = { [session.input.name]: floatTensor(feed, dims) };
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    await session.run(feeds);
    times.push(performance.now() - started);
  }
  return median(times);
}

/**
 * Times several models of one input size on one thread, in turns: 40 rounds of 15 runs each. Whatever else the machine
 * does meanwhile hits all of them alike, so that the ratio of two of them holds where their times do not.
 *
 * @param size `[H, W]` of the input
 */
export async function interleavedLatencies(
  models: readonly string[],
  size: readonly [number, number],
): Promise<InterleavedLatency[]> {
  const dims = [1, 3, ...size];
  const random = seededRandom(1);
  const feed = Float32Array.from({ length: 3 * size[0] * size[1] }, () => random.normal());
  const sessions: Session[] = [];
  const rounds: number[][] = models.map(() => []);
  try {
    for (const model of models) sessions.push(await openSession(model, { threads: 1 }));
    for (const session of sessions) await timeRuns(session, feed, dims, WARM_UP_RUNS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, session] of sessions.entries())
        rounds[index]?.push(await timeRuns(session, feed, dims, RUNS_A_ROUND));
    }
  } finally {
    for (const session of sessions) await session.close();
  }
  return rounds.map((times) => ({ rounds: times, median: median(times) }));
}

/** Median over the rounds of `a / b`, each round's two times having been taken within milliseconds of each other. */
export const pairedRatio = (a: InterleavedLatency, b: InterleavedLatency): number =>
  median(a.rounds.map((time, round) => time / (b.rounds[round] ?? Number.NaN)));
