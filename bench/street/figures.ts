import { type CountAccuracy, countAccuracy } from '../../cli/count/accuracy.ts';
import { mapped, wilson } from '../../core/intervals.ts';
import type { Figure } from '../harness/benchmark.ts';
import type { StreetResult } from './street-run.ts';

export type Tallied = Pick<CountAccuracy, 'truth' | 'missed' | 'false' | 'wrongClass' | 'matched'>;

const KEYS = ['truth', 'missed', 'false', 'wrongClass', 'matched'] as const;

export function pooled(all: readonly Tallied[]): Tallied {
  const sum = (key: (typeof KEYS)[number]): number => all.reduce((total, each) => total + each[key], 0);
  return {
    truth: sum('truth'),
    missed: sum('missed'),
    false: sum('false'),
    wrongClass: sum('wrongClass'),
    matched: sum('matched'),
  };
}

const percent = (share: number): number => 100 * share;

export function figuresOf(subject: string, all: readonly Tallied[], limited = false): Figure[] {
  const { truth, missed, false: wrong, wrongClass, matched } = pooled(all);
  const share = (measure: string, value: number, atMost: number): Figure => ({
    subject,
    measure,
    value,
    unit: '%',
    ...(limited ? { limit: { atMost } } : {}),
  });
  return [
    { subject, measure: 'crossings', value: truth, unit: '' },
    share('net count error', percent(Math.abs(wrong - missed) / Math.max(1, truth)), 2),
    share('missed and false', percent((missed + wrong) / Math.max(1, truth)), 4),
    {
      subject,
      measure: 'missed',
      value: percent(missed / Math.max(1, truth)),
      unit: '%',
      ...(truth === 0 ? {} : { interval: mapped(wilson(missed, truth), percent) }),
    },
    { subject, measure: 'in another class', value: percent(wrongClass / Math.max(1, matched)), unit: '%' },
  ];
}

/** Cells of fewer crossings say nothing of their own. */
const LEAST_OF_CELL = 300;

export const cellFigures = (results: readonly StreetResult[]): Figure[] =>
  cellsOf(results)
    .filter(([, all]) => pooled(all).truth >= LEAST_OF_CELL)
    .flatMap(([cell, all]) => figuresOf(cell, all));

export const cellNotes = (results: readonly StreetResult[]): string[] =>
  cellsOf(results).map(([cell, all]) => {
    const { truth, missed, false: wrong } = pooled(all);
    return `${cell}: ${truth} crossings, ${missed} missed, ${wrong} false`;
  });

/** Of one class on one line in one direction: what is counted in another class is missed here and false there. */
function cellsOf(results: readonly StreetResult[]): [string, Tallied[]][] {
  const cells = new Map<string, Tallied[]>();
  for (const { crossings, truth, classes, seconds } of results) {
    const keys = new Set(truth.map((each) => `${each.class}, ${each.line} ${each.direction}`));
    for (const key of keys) {
      const own = truth.filter((each) => key === `${each.class}, ${each.line} ${each.direction}`);
      const counted = crossings.filter(
        ({ classIndex, line, direction }) => key === `${classes[classIndex]}, ${line} ${direction}`,
      );
      cells.set(key, [...(cells.get(key) ?? []), countAccuracy(counted, own, { classes, seconds })]);
    }
  }
  return [...cells].sort(([a], [b]) => (a < b ? -1 : 1));
}
