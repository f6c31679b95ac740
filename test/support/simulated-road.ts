import type { Random } from '../../core/random.ts';
import type { Block } from '../../deploy/trial/block.ts';

/** Road users that two detectors watch, and what of them crosses a line. */
export interface RoadShape {
  /** Road users in view in a block, on average, by class. */
  readonly users: readonly number[];
  /** Share of them that a model does not see, each by mistakes of its own. */
  readonly missed: number;
  /** Share of them that cross each line. */
  readonly lines: readonly number[];
}

/** What is wrong with the candidate, beside its own mistakes. */
export interface DetectorFault {
  /** Share of the boxes of the first class that it misses besides. @default 0 */
  readonly misses?: number;
  /** Share of its boxes that lie elsewhere. @default 0 */
  readonly displaced?: number;
  /** Share of what crosses the first line that it does not count: it loses the track there. @default 0 */
  readonly uncounted?: number;
}

/** Arrivals within a time of `mean`, each an exponential time after the one before. */
function poisson(mean: number, random: Random): number {
  let count = 0;
  let time = -Math.log(1 - random.next());
  while (time < mean) {
    count++;
    time += -Math.log(1 - random.next());
  }
  return count;
}

/** Blocks of two detectors on the same made-up road: most of what one sees the other sees, mistakes are each one's own. */
export function* simulatedRoad(
  { users, missed, lines }: RoadShape,
  { misses = 0, displaced = 0, uncounted = 0 }: DetectorFault,
  random: Random,
): Generator<Omit<Block, 'phase'>, never> {
  const frames = 500;
  for (;;) {
    const boxes = { old: 0, candidate: 0, matched: 0 };
    const shift = users.map(() => 0);
    const crossed = lines.map(() => ({ old: 0, candidate: 0 }));
    for (const [kind, mean] of users.entries()) {
      for (let left = poisson(mean, random); left > 0; left--) {
        const old = random.next() >= missed;
        const candidate = random.next() >= missed && !(kind === 0 && random.next() < misses);
        const apart = random.next() < displaced;
        boxes.old += Number(old);
        boxes.candidate += Number(candidate);
        boxes.matched += Number(old && candidate && !apart);
        shift[kind]! += Number(candidate) - Number(old);
        for (const [line, share] of lines.entries()) {
          if (random.next() >= share) continue;
          crossed[line]!.old += Number(old);
          crossed[line]!.candidate += Number(candidate && !(line === 0 && random.next() < uncounted));
        }
      }
    }
    const model = (latencyMs: number) => ({ failed: 0, latencyMs, memoryMb: 80, restarts: 0 });
    const share = (count: number): number => count / Math.max(1, boxes.old);
    yield {
      frames,
      old: model(50 * Math.exp(0.02 * random.normal())),
      candidate: model(50 * Math.exp(0.02 * random.normal())),
      classShift: Object.fromEntries(shift.map((count, kind) => [`class ${kind}`, share(count)])),
      disagreement: 0,
      scoreDrift: 0.003 * random.normal(),
      longestGapSeconds: 0.5,
      boxes,
      lines: Object.fromEntries(crossed.map((counts, line) => [`line ${line}`, counts])),
    };
  }
}
