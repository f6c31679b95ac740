import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { compiledModule } from '../../core/layout.ts';
import { type LookedAtStreet, roundOf, type StreetResult } from './street-run.ts';
import type { StreetModel } from './street-worker.ts';

export interface CountedStreet extends StreetResult {
  readonly condition: LookedAtStreet['condition'];
}

interface CountOptions {
  readonly seconds: number;
  /** No round is begun where so many crossings are known, */
  readonly crossings: number;
  /** or where another would take longer than there is time, minutes. */
  readonly minutes: number;
  readonly threads: number;
  readonly signal: AbortSignal;
  say(text: string): void;
}

/** Counts rounds of streets, each of every condition at every rate, on several threads: what is counted does not depend on their number. */
export async function countedStreets(model: StreetModel, options: CountOptions): Promise<CountedStreet[]> {
  const { seconds, crossings, minutes, threads, signal, say } = options;
  const workers = Array.from(
    { length: threads },
    () => new Worker(compiledModule('bench/street/street-worker'), { workerData: model }),
  );
  const results: CountedStreet[] = [];
  const began = performance.now();
  const passed = (): number => (performance.now() - began) / 60_000;
  try {
    for (let [round, longest] = [0, 0]; passed() + longest <= minutes; round++) {
      const before = passed();
      results.push(...(await counted(roundOf(round, seconds), workers, signal)));
      longest = Math.max(longest, passed() - before);
      const known = results.reduce((sum, { accuracy }) => sum + accuracy.truth, 0);
      say(`${results.length} streets, ${known} crossings, ${passed().toFixed(1)} minutes`);
      if (known >= crossings) break;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return results;
}

/** Each worker takes the next street as soon as it is done with one. */
async function counted(
  streets: readonly LookedAtStreet[],
  workers: readonly Worker[],
  signal: AbortSignal,
): Promise<CountedStreet[]> {
  const results = new Map<LookedAtStreet, CountedStreet>();
  const waiting = [...streets];
  const work = async (worker: Worker): Promise<void> => {
    for (let street = waiting.shift(); street !== undefined; street = waiting.shift()) {
      const answer = once(worker, 'message', { signal });
      worker.postMessage(street);
      const [result] = (await answer) as [StreetResult];
      results.set(street, { ...result, condition: street.condition });
    }
  };
  await Promise.all(workers.map(work));
  return streets.flatMap((street) => results.get(street) ?? []);
}
