import { wilson } from '../../core/intervals.ts';
import { type Random, seededRandom } from '../../core/random.ts';
import { median } from '../../core/statistics.ts';
import { adjustedCounts } from '../../daemon/audit/adjusted-counts.ts';
import { beta, binomial, gamma, poisson } from '../../daemon/audit/distributions.ts';
import type { CountingQuality } from '../../inference/counting-quality.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';

const CLASSES = ['car', 'truck', 'bus', 'bicycle'];
const PACKAGES = 30;
const INTERVALS = 30;
/** Crossings from which on an interval counts as a large one. */
const LARGE = 30;

interface Errors {
  readonly confusion: readonly (readonly number[])[];
  readonly miss: readonly number[];
  /** Share of what is counted. */
  readonly nothing: readonly number[];
}

/** 3 to 15% of a class are counted as another, 2 to 15% are missed, 1 to 5% of what is counted is nothing. */
function drawErrors(random: Random): Errors {
  const between = (low: number, high: number): number => low + (high - low) * random.next();
  return {
    confusion: CLASSES.map((_, i) => {
      const wrong = between(0.03, 0.15);
      const others = CLASSES.map((_each, j) => (i === j ? 0 : gamma(0.7, random)));
      const all = others.reduce((sum, each) => sum + each, 0);
      return others.map((each, j) => (i === j ? 1 - wrong : (wrong * each) / all));
    }),
    miss: CLASSES.map(() => between(0.02, 0.15)),
    nothing: CLASSES.map(() => between(0.01, 0.05)),
  };
}

/** What is counted of so many crossings of each class. */
function count(truth: readonly number[], { confusion, miss, nothing }: Errors, random: Random): CountingQuality {
  const missed = truth.map((each, i) => binomial(each, miss[i]!, random));
  const table = truth.map((each, i) => {
    let left = each - missed[i]!;
    let share = 1;
    return confusion[i]!.map((chance) => {
      const drawn = binomial(left, share <= 0 ? 1 : Math.min(1, chance / share), random);
      left -= drawn;
      share -= chance;
      return drawn;
    });
  });
  const wrong = CLASSES.map((_, j) => {
    const right = table.reduce((sum, row) => sum + row[j]!, 0);
    return poisson((right * nothing[j]!) / (1 - nothing[j]!), random);
  });
  return { data: 'simulated', classes: CLASSES, confusion: table, missed, false: wrong };
}

interface Cell {
  readonly truth: number;
  readonly inside: boolean;
  readonly width: number;
}

function simulate(random: Random, seen: () => number): Cell[] {
  const cells: Cell[] = [];
  for (let each = 0; each < PACKAGES; each++) {
    const errors = drawErrors(random);
    const sample = CLASSES.map(() => 100 + random.below(400));
    const quality = count(sample, errors, random);
    for (let interval = 0; interval < INTERVALS; interval++) {
      const coverage = seen();
      const rates = CLASSES.map((_, i) => (i === 0 ? 60 + 240 * random.next() : 90 * beta(0.8, 1.6, random)));
      const truth = rates.map((rate) => {
        const [now, unseen] = [poisson(rate * coverage, random), poisson(rate * (1 - coverage), random)];
        return { now, all: now + unseen };
      });
      const counted = count(
        truth.map(({ now }) => now),
        errors,
        random,
      );
      const counts = Object.fromEntries(
        CLASSES.map((name, j) => [name, counted.confusion.reduce((sum, row) => sum + row[j]!, counted.false[j]!)]),
      );
      const adjusted = adjustedCounts(counts, coverage, quality)!;
      for (const [i, name] of CLASSES.entries()) {
        const { low, high } = adjusted[name]!;
        const { all } = truth[i]!;
        cells.push({ truth: all, inside: low <= all && all <= high, width: high - low });
      }
    }
  }
  return cells;
}

function figuresOf(subject: string, cells: readonly Cell[], large: boolean): Figure[] {
  const inside = cells.filter((cell) => cell.inside).length;
  const { low, high } = wilson(inside, cells.length);
  const covered = (100 * inside) / cells.length;
  const interval = { low: 100 * low, high: 100 * high };
  const outside = { low: 100 - interval.high, high: 100 - interval.low };
  return [
    { subject, measure: 'counts', value: cells.length, unit: '' },
    { subject, measure: 'contain the truth', value: covered, unit: '%', interval, limit: { atLeast: 93 } },
    {
      subject,
      measure: 'do not',
      value: 100 - covered,
      unit: '%',
      interval: outside,
      ...(large ? { limit: { atLeast: 3 } } : {}),
    },
    { subject, measure: 'median width', value: median(cells.map(({ width }) => width)), unit: '' },
    {
      subject,
      measure: 'of the truth',
      value: 100 * median(cells.map(({ width, truth }) => width / Math.max(1, truth))),
      unit: '%',
    },
  ];
}

export const countIntervals: Benchmark = {
  name: 'count-intervals',
  title: 'Whether 95% intervals of adjusted counts contain the truth',
  method:
    `${PACKAGES} simulated packages, each with shares of confusion (3 to 15% of a class), misses (2 to 15%) and false counts (1 to 5%) of its own, known to the adjustment by a sample of ` +
    `100 to 499 crossings a class. For each, ${INTERVALS} intervals that are in no sample: four classes, Poisson arrivals at rates that differ from interval to interval, seen whole, or 50 to 100% of the time. ` +
    'A count is one class of one interval. The simulation draws what the model of the adjustment supposes: it shows that the intervals are computed rightly, not that streets follow the model.',
  layout: 'grid',
  needs: [],
  run({ say }) {
    const random = seededRandom(11);
    const figures: Figure[] = [];
    for (const [name, seen] of [
      ['seen whole', () => 1],
      ['seen in part', () => 0.5 + 0.5 * random.next()],
    ] as const) {
      say(name);
      const cells = simulate(random, seen);
      const large = cells.filter(({ truth }) => truth >= LARGE);
      const small = cells.filter(({ truth }) => truth < LARGE);
      figures.push(...figuresOf(`${name}, ${LARGE} crossings and more`, large, true));
      figures.push(...figuresOf(`${name}, fewer`, small, false));
    }
    return Promise.resolve({ figures, notes: [] });
  },
};
