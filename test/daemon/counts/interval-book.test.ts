import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Coverage, MOST_GAP_MS } from '../../../daemon/counts/coverage.ts';
import { type ClosedInterval, IntervalBook } from '../../../daemon/counts/interval-book.ts';

const MINUTE = 60_000;
/** 12:00:20: twenty seconds into a minute. */
const START = Date.UTC(2026, 2, 1, 12, 0, 20);
const passed = (direction: 'forward' | 'backward' = 'forward', speed?: number) =>
  ({ line: 'gate', direction, lane: null, class: 'car', speed }) as const;

const bookOf = (): IntervalBook => new IntervalBook({ lengthMs: MINUTE, lines: ['gate'], zones: ['box'] });

/** A camera that is seen from one moment to another, ten frames a second. */
function see(book: IntervalBook, from: number, to: number, occupied: string[] = []): void {
  const coverage = new Coverage();
  for (let at = from; at <= to; at += 100) {
    const span = coverage.frame(at, true);
    if (span !== undefined) book.saw(span, 'sha256:a', occupied);
  }
}

const flow = ({ flows }: ClosedInterval, direction = 'forward') =>
  flows.find((each) => each.direction === direction && each.lane === null);

describe('an even interval', () => {
  it('is told whole, after it is over: one that was begun late by the share that was seen', () => {
    const book = bookOf();
    book.begin(START);
    see(book, START, START + 2 * MINUTE);
    book.passed(passed(), START + 1000);
    book.passed(passed(), START + MINUTE);
    expect(book.close(START + 40_000)).toEqual([]); // 12:01:00, and what is known late may come
    const closed = book.close(START + 2 * MINUTE);
    expect(closed.map(({ from }) => new Date(from).toISOString().slice(11, 19))).toEqual(['12:00:00', '12:01:00']);
    expect(closed.map(({ coverage }) => coverage)).toEqual([expect.closeTo(2 / 3, 2), expect.closeTo(1, 2)]);
    expect(closed.map((each) => flow(each)?.count)).toEqual([1, 1]);
    expect(flow(closed[0]!, 'backward')).toMatchObject({ count: 0, classes: {} });
  });

  it('of which nothing was seen has no counts: not zero', () => {
    const book = bookOf();
    book.begin(START);
    const [first] = book.close(START + 2 * MINUTE);
    expect(first).toMatchObject({ coverage: 0, flows: [], occupied: {} });
  });

  it('is corrected by what is known late, once a correction', () => {
    const book = bookOf();
    book.begin(START);
    see(book, START, START + 3 * MINUTE);
    expect(book.close(START + 45_000)).toHaveLength(1);
    book.passed(passed(), START + 39_000);
    const [corrected] = book.close(START + 46_000);
    expect(corrected).toMatchObject({ revision: 1, from: START - 20_000 });
    expect(flow(corrected!)?.count).toBe(1);
    expect(book.close(START + 47_000)).toEqual([]);
  });

  it('loses what turns out not to have been seen, and is corrected where it was told', () => {
    const book = bookOf();
    book.begin(START);
    see(book, START, START + 60_000);
    expect(book.close(START + 45_000)).toMatchObject([{ coverage: expect.closeTo(2 / 3, 2) }]);
    book.unsaw({ from: START + 10_000, to: START + 60_000 });
    const [corrected] = book.close(START + 46_000);
    expect(corrected).toMatchObject({ revision: 1, coverage: expect.closeTo(1 / 6, 2) });
    expect(book.close(START + 2 * MINUTE)).toMatchObject([{ coverage: 0, flows: [] }]);
  });

  it('says how long a zone was occupied, of the time that was seen', () => {
    const book = bookOf();
    book.begin(START);
    see(book, START, START + 20_000, ['box']);
    see(book, START + 20_000, START + 40_000);
    expect(book.close(START + 50_000)[0]?.occupied).toEqual({ box: expect.closeTo(0.5, 2) });
  });

  it('holds speeds and headways', () => {
    const book = bookOf();
    book.begin(START);
    see(book, START, START + 40_000);
    for (let i = 0; i < 20; i++) book.passed(passed('forward', 10 + i / 2), START + i * 1000);
    expect(flow(book.close(START + 50_000)[0]!)).toMatchObject({
      count: 20,
      speed: { measured: 20, mean: expect.closeTo(14.75), v85: 18 },
      headwaySeconds: 1,
    });
  });

  it('is told when the clock went on, one by one; not when it was set from another year', () => {
    const book = bookOf();
    book.begin(START);
    see(book, START, START + 10_000);
    expect(book.close(START + 5 * MINUTE).map(({ coverage }) => coverage > 0)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    const set = bookOf();
    set.begin(1000);
    see(set, 1000, 11_000);
    expect(set.close(START)).toEqual([]);
    see(set, START, START + 40_000);
    expect(set.close(START + 50_000)).toMatchObject([{ coverage: expect.closeTo(2 / 3, 2) }]);
  });

  it('says how much it counted before the clock was set from another year', () => {
    const book = bookOf();
    book.begin(1000);
    see(book, 1000, 11_000);
    book.passed(passed(), 5000);
    expect(book.close(START)).toEqual([]);
    see(book, START, START + 40_000);
    expect(book.close(START + 50_000)).toMatchObject([{ uncounted: 1 }]);
  });

  it('has seen no part of an interval twice where the clock steps back within it', () => {
    const book = bookOf();
    book.begin(START);
    see(book, START, START + 20_000);
    see(book, START + 5000, START + 20_000);
    expect(book.close(START + 50_000)).toMatchObject([{ coverage: expect.closeTo(1 / 3, 2) }]);
  });

  it('counts nothing twice where the clock steps back', () => {
    const book = bookOf();
    book.begin(START);
    see(book, START, START + 5 * MINUTE);
    for (let i = 0; i < 5; i++) book.passed(passed(), START + i * MINUTE);
    const before = book.close(START + 5 * MINUTE);
    see(book, START, START + 3 * MINUTE);
    book.passed(passed(), START + 1000);
    const after = [...book.close(START + 3 * MINUTE), ...book.close(START + 7 * MINUTE)];
    const all = [...before, ...after];
    expect(all.reduce((sum, each) => sum + (flow(each)?.count ?? 0), 0)).toBe(5);
    expect(all.reduce((sum, { uncounted }) => sum + uncounted, 0)).toBe(1);
    expect(all.every(({ revision }) => revision === 0)).toBe(true);
  });

  it('covers every moment once, and counts every passage in it once, whenever it is asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 10 * MINUTE - 1 }), { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 30 }),
        (passages, steps) => {
          const book = bookOf();
          book.begin(START);
          const told: ClosedInterval[] = [];
          const waiting = [...passages].sort((a, b) => a - b);
          let now = START;
          const until = (to: number): void => {
            see(book, now, to);
            while (waiting[0] !== undefined && START + waiting[0] <= to)
              book.passed(passed(), START + waiting.shift()!);
            now = to;
            told.push(...book.close(now));
          };
          for (const step of steps) until(now + step);
          until(START + 10 * MINUTE + 30_000);
          until(now + 2 * MINUTE);
          const froms = told.filter(({ revision }) => revision === 0).map(({ from }) => from);
          expect(froms).toEqual(froms.map((_, i) => froms[0]! + i * MINUTE));
          const last = new Map(told.map((each) => [each.from, each]));
          expect([...last.values()].reduce((sum, each) => sum + (flow(each)?.count ?? 0), 0)).toBe(passages.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('coverage', () => {
  it('is the time between frames, but for gaps in which nobody knows what happened and what is no street', () => {
    const coverage = new Coverage();
    expect(coverage.frame(0, true)).toBeUndefined();
    expect(coverage.frame(500, true)).toEqual({ from: 0, to: 500 });
    expect(coverage.frame(500 + MOST_GAP_MS + 1, true)).toBeUndefined();
    expect(coverage.frame(2000, true)).toEqual({ from: 501 + MOST_GAP_MS, to: 2000 });
    expect(coverage.frame(2100, false)).toBeUndefined();
    expect(coverage.frame(2200, true)).toBeUndefined();
    expect(coverage.frame(2300, true)).toEqual({ from: 2200, to: 2300 });
  });
});
