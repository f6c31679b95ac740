import type { Interval } from '../../core/intervals.ts';
import type { Need } from './need.ts';
import type { Workplace } from './workplace.ts';

/**
 * What a figure must not exceed, or must reach; both ends count as met. `notBelow` is for differences of two accuracies that ought to be
 * alike: it is missed where the whole interval lies below, since a sign alone is a coin toss.
 */
export type Limit = { readonly atMost: number } | { readonly atLeast: number } | { readonly notBelow: number };

/** One measured number. `subject` and `measure` are the row and the column of the tables it appears in. */
export interface Figure {
  /** What was measured: `ResNet56, int8 + 16 clusters`. */
  readonly subject: string;
  /** Which of its properties: `top-1`. */
  readonly measure: string;
  readonly value: number;
  /** Unit as printed after the number: `%`, `points`, `ms`, `MB`, `times`, `s`; empty for a count. */
  readonly unit: string;
  readonly limit?: Limit;
  /** Where it lies with 95%, as far as chance is known: the choice of test images. */
  readonly interval?: Interval;
}

/** A figure that the front page shows, with the words it shows it in. */
export interface Headline {
  readonly subject: string;
  readonly measure: string;
  /** What the number says, for a reader who knows no benchmark: `accuracy lost by int8 and 16 clusters a layer, ResNet56`. */
  readonly says: string;
  /** Another figure of the same benchmark to hold it against. */
  readonly against?: { readonly subject: string; readonly measure: string; readonly says: string };
}

/** What a benchmark hands back. */
export interface Outcome {
  readonly figures: readonly Figure[];
  /** What a reader must know to judge the figures: settings, samples, how a number was taken. */
  readonly notes: readonly string[];
}

/** It found out on the way that it cannot run here, and says why: packages that cannot be installed, for one. */
interface Skipped {
  readonly skipped: string;
}

/** One benchmark: a file of `bench/benchmarks/`, listed in its `index.ts`. */
export interface Benchmark {
  /** As given on the command line, and the name of its file in `bench/results/`. */
  readonly name: string;
  readonly title: string;
  /** What it runs and how each figure is taken, for `docs/research/benchmarks.md`: a paragraph. */
  readonly method: string;
  /** Subjects as rows and measures as columns, in one table or one for each set of measures, or one figure a line. */
  readonly layout: 'grid' | 'grids' | 'list';
  /** The figures that stand on the front page. @default none */
  readonly headlines?: readonly Headline[];
  /** Programs and data it cannot do without. */
  readonly needs: readonly Need[];
  /** Length by default of the part whose length `--minutes` sets. */
  readonly minutes?: number;
  run(place: Workplace): Promise<Outcome | Skipped>;
}

export const isMet = ({ value, limit, interval }: Figure): boolean | undefined => {
  if (limit === undefined) return undefined;
  if ('notBelow' in limit) return (interval?.high ?? value) >= limit.notBelow;
  return 'atMost' in limit ? value <= limit.atMost : value >= limit.atLeast;
};
