import { autocorrelationTime } from '../../deploy/trial/autocorrelation.ts';
import { labelOf } from '../../inference/scores.ts';
import type { Ready, Result } from '../inference/protocol.ts';
import { AnswerSeries } from './answer-series.ts';
import { type Answered, ClassShift, type Comparison, classKey } from './comparison.ts';

/** A region in which no class reaches its threshold. */
const NONE = '(none)';

/** Classifiers answer one class a region. */
export class RegionComparison implements Comparison<{ readonly camera: string }> {
  readonly #series = new AnswerSeries<string>();
  readonly #shift = new ClassShift();
  #regions = 0;
  #differing = 0;
  #drift = 0;

  measure({ camera }: { readonly camera: string }, { ready, result }: Answered): void {
    this.#series.add(camera, topLabels(ready, result));
  }

  /** Of how often the commonest class of a region is there. */
  longestTime(): number {
    return this.#series.longestTime((labels) => {
      const common = commonest(labels);
      return autocorrelationTime(labels.map((label) => (label === common ? 1 : 0)));
    });
  }

  compare(_: unknown, running: Answered, candidate: Answered): void {
    const [before, after] = [topLabels(running.ready, running.result), topLabels(candidate.ready, candidate.result)];
    for (const [region, label] of before.entries()) {
      const other = after[region] ?? NONE;
      this.#regions++;
      if (label !== other) this.#differing++;
      this.#shift.move(label, -1);
      this.#shift.move(other, 1);
      // What is not sent has the score 0.
      this.#drift += bestScore(candidate.result, region) - bestScore(running.result, region);
    }
  }

  block(): ReturnType<Comparison<unknown>['block']> {
    const share = (value: number): number => (this.#regions === 0 ? 0 : value / this.#regions);
    return {
      classShift: this.#shift.shares(this.#regions),
      disagreement: share(this.#differing),
      scoreDrift: Math.max(-1, Math.min(1, share(this.#drift))),
    };
  }

  clear(): void {
    this.#regions = this.#differing = this.#drift = 0;
    this.#shift.clear();
  }
}

const topLabels = ({ labels }: Ready, { regions }: Result): string[] =>
  regions.map(([best]) => (best === undefined ? NONE : classKey(labelOf(labels ?? undefined, best.index))));

const bestScore = ({ regions }: Result, region: number): number => regions[region]?.[0]?.score ?? 0;

function commonest(labels: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
