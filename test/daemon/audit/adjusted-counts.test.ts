import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adjustedCounts, adjustingCounts, SLICE_UNITS } from '../../../daemon/audit/adjusted-counts.ts';
import { adjustingFlow } from '../../../daemon/audit/adjusted-flow.ts';
import { finished } from '../../../daemon/audit/sliced-work.ts';
import { CountingQuality } from '../../../inference/counting-quality.ts';

const table = (cars: readonly number[], buses: readonly number[]): number[][] => [[...cars], [...buses]];
const perfect: CountingQuality = {
  data: 'a street',
  classes: ['car', 'bus'],
  confusion: table([100_000, 0], [0, 100_000]),
  missed: [0, 0],
  false: [0, 0],
};

describe('a count that is adjusted', () => {
  it('stays as it is where the model was never wrong and all was seen', () => {
    expect(adjustedCounts({ car: 40, bus: 3 }, 1, perfect)).toEqual({
      car: { count: 40, low: 40, high: 40 },
      bus: { count: 3, low: 3, high: 3 },
    });
  });

  it('rises by what is missed, and falls by what is nothing', () => {
    const confusion = table([900, 0], [0, 900]);
    const misses = adjustedCounts({ car: 90, bus: 0 }, 1, { ...perfect, confusion, missed: [100, 0] })?.car;
    expect(misses?.count).toBeGreaterThan(98);
    expect(misses?.count).toBeLessThan(102);
    expect(misses?.low).toBeGreaterThanOrEqual(90);
    const nothing = adjustedCounts({ car: 100, bus: 0 }, 1, { ...perfect, confusion, false: [100, 0] })?.car;
    expect(nothing?.count).toBeGreaterThan(88);
    expect(nothing?.count).toBeLessThan(92);
  });

  it('gives buses back what was counted as cars', () => {
    const confusion = table([1000, 0], [500, 500]);
    const adjusted = adjustedCounts({ car: 150, bus: 50 }, 1, { ...perfect, confusion })!;
    expect(adjusted.bus?.count).toBeGreaterThan(90);
    expect(adjusted.bus?.count).toBeLessThan(110);
    expect(adjusted.bus!.count + adjusted.car!.count).toBeCloseTo(200, 0);
  });

  it('has an interval that widens with what was not seen, and with a smaller sample', () => {
    const width = (counts: Readonly<Record<string, number>>, coverage: number, quality: CountingQuality): number => {
      const { low, high } = adjustedCounts(counts, coverage, quality)!.car!;
      return high - low;
    };
    const half = adjustedCounts({ car: 50 }, 0.5, perfect)?.car;
    expect(half?.count).toBeGreaterThan(95);
    expect(half?.count).toBeLessThan(106);
    expect(width({ car: 50 }, 0.5, perfect)).toBeGreaterThan(width({ car: 80 }, 0.8, perfect));
    const small = { ...perfect, confusion: table([9, 0], [0, 9]), missed: [1, 1] };
    const large = { ...perfect, confusion: table([900, 0], [0, 900]), missed: [100, 100] };
    expect(width({ car: 90 }, 1, small)).toBeGreaterThan(1.5 * width({ car: 90 }, 1, large));
  });

  it('is not given where nothing was seen, and of no class that was not measured', () => {
    expect(adjustedCounts({ car: 4 }, 0, perfect)).toBeNull();
    expect(adjustedCounts({ car: 4 }, Number.NaN, perfect)).toBeNull();
    const cars = { ...perfect, confusion: table([100, 0], [0, 0]) };
    expect(Object.keys(adjustedCounts({ car: 4, bus: 2, tram: 1 }, 1, cars)!)).toEqual(['car']);
    expect(adjustedCounts({ car: 4 }, 1, { ...perfect, confusion: table([0, 0], [0, 0]) })).toBeNull();
  });

  it('lies in its interval, is no fewer than none, and is the same again, whatever was counted', () => {
    const two = fc.tuple(fc.nat(300), fc.nat(300));
    fc.assert(
      fc.property(
        fc.tuple(two, two, two, two, two),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        ([[car, bus], cars, buses, missed, wrong], coverage) => {
          const quality = { ...perfect, confusion: table(cars, buses), missed, false: wrong };
          const adjusted = adjustedCounts({ car, bus }, coverage, quality);
          for (const { count, low, high } of Object.values(adjusted ?? {})) {
            expect(low).toBeGreaterThanOrEqual(0);
            expect(count).toBeGreaterThanOrEqual(low);
            expect(count).toBeLessThanOrEqual(high);
            expect(Number.isInteger(low) && Number.isInteger(high)).toBe(true);
          }
          expect(adjustedCounts({ car, bus }, coverage, quality)).toEqual(adjusted);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('a flow', () => {
  it('is adjusted as a whole, by the one model that spoke', () => {
    const flow = { lane: null, classes: { car: 7 } };
    expect(finished(adjustingFlow(flow, 1, [perfect]))).toMatchObject({
      car: { count: 7 },
      bus: { count: 0, low: 0, high: 0 },
    });
    expect(finished(adjustingFlow({ ...flow, lane: 'left' }, 1, [perfect]))).toBeNull();
    for (const models of [[], [null], [perfect, perfect], [perfect, null]])
      expect(finished(adjustingFlow(flow, 1, models))).toBeNull();
  });
});

describe('what a package says of its counts', () => {
  it('has a number for each class, and each class once', () => {
    const wrong = [
      { missed: [1] },
      { confusion: [[1, 2]] },
      { confusion: [[1], [2]] },
      { classes: ['car', 'car'] },
      { false: [0, -1] },
    ];
    expect(CountingQuality.safeParse(perfect).success).toBe(true);
    for (const each of wrong) expect(CountingQuality.safeParse({ ...perfect, ...each }).success).toBe(false);
  });
});

describe('the work of adjusting', () => {
  it('comes in slices, none of which does more than a few steps, however many classes and crossings there are', () => {
    for (const classes of [2, 5, 12]) {
      for (const counted of [0, 20, 400, 3000]) {
        const names = Array.from({ length: classes }, (_, i) => `class ${i}`);
        const quality: CountingQuality = {
          data: 'a street',
          classes: names,
          confusion: names.map((_, i) => names.map((_each, j) => (i === j ? 500 : 5))),
          missed: names.map(() => 20),
          false: names.map(() => 10),
        };
        const step = classes ** 2 + counted;
        const slices: number[] = [];
        const work = adjustingCounts({ 'class 0': counted }, 1, quality);
        for (let next = work.next(); next.done !== true; next = work.next()) slices.push(next.value);
        expect(Math.max(...slices)).toBeLessThanOrEqual(Math.max(step, SLICE_UNITS));
        expect(slices.reduce((sum, units) => sum + units, 0)).toBeGreaterThan(700 * step - Math.max(step, SLICE_UNITS));
      }
    }
  });
});
