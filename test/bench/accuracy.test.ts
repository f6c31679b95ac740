import { describe, expect, it } from 'vitest';
import { aboveFigure, accuracyFigure, lossFigure } from '../../bench/harness/accuracy.ts';
import { isMet } from '../../bench/harness/benchmark.ts';
import { formatLimit } from '../../bench/harness/pages/table.ts';
import type { CompressReport } from '../../bench/harness/process/child.ts';

/** Answers to 1,000 images, of which the first `wrong` are wrong. */
const answers = (wrong: number): boolean[] => Array.from({ length: 1000 }, (_, i) => i >= wrong);

describe('accuracies in benchmarks', () => {
  it('carry the interval that so many images allow', () => {
    const { value, interval } = accuracyFigure('net', { top1: 0.9, samples: 1000 });
    expect(value).toBe(90);
    expect(interval?.low).toBeGreaterThan(87.5);
    expect(interval?.high).toBeLessThan(92);
    expect(accuracyFigure('net', { top1: 0.9 }).interval).toBeUndefined();
  });

  it('are worse than a peer only where chance would hardly make it so', () => {
    const behind = aboveFigure('net', 'above the peer', answers(102), answers(100));
    expect(behind).toMatchObject({ value: -0.2, unit: 'points', interval: { low: expect.any(Number) } });
    expect(behind.interval!.high).toBeGreaterThan(0);
    expect(isMet(behind)).toBe(true);
    const farBehind = aboveFigure('net', 'above the peer', answers(120), answers(100));
    expect(farBehind.interval!.high).toBeLessThan(0);
    expect(isMet(farBehind)).toBe(false);
    expect(isMet(aboveFigure('net', 'above the peer', answers(100), answers(102)))).toBe(true);
    expect(formatLimit(behind.limit!, 'points')).toBe('not clearly < 0 points');
  });

  it('that are lost are judged by what was seen: chance excuses no loss', () => {
    const report = {
      baseline: { top1: 0.92, samples: 1000 },
      candidate: { top1: 0.915, samples: 1000 },
      change: { points: -0.5, low: -1.4, high: 0.4 },
    } as unknown as CompressReport;
    const figure = lossFigure('net', report, 0.3);
    expect(figure).toMatchObject({ value: expect.closeTo(0.5), interval: { low: -0.4, high: 1.4 } });
    expect(isMet(figure)).toBe(false);
  });
});
