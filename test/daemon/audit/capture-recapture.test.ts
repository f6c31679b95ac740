import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditMisses, type SecondCapture } from '../../../daemon/audit/capture-recapture.ts';

/** `missed` of `total` were not counted; how clearly each was found is given by its place. */
const captures = (total: number, missed: (i: number) => boolean, strength = (i: number) => i % 17): SecondCapture[] =>
  Array.from({ length: total }, (_, i) => ({ counted: !missed(i), strength: strength(i) }));

describe('misses found by a second capture', () => {
  it('are as Chapman has them', () => {
    // 180 counted, 100 found the second way, 90 by both: (181 * 101) / 91 - 1 = 199.89
    const audit = auditMisses(
      180,
      captures(100, (i) => i % 10 === 3),
    );
    expect(audit?.missRate).toBeCloseTo(1 - 180 / ((181 * 101) / 91 - 1), 12);
    expect(audit?.low).toBeCloseTo(0.0552, 4); // Wilson's interval of 10 of 100
    expect(audit?.high).toBeCloseTo(0.1744, 4);
    expect(audit?.bound).toBe('both');
  });

  it('are a lower bound where what was found clearly is counted more often', () => {
    const missed = (i: number): boolean => i % 10 === 3;
    expect(
      auditMisses(
        180,
        captures(100, missed, (i) => (missed(i) ? i : 200 + i)),
      )?.bound,
    ).toBe('lower');
    // The other way round they exclude each other, and nothing is overlooked by both more often than supposed.
    expect(
      auditMisses(
        180,
        captures(100, missed, (i) => (missed(i) ? 200 + i : i)),
      )?.bound,
    ).toBe('both');
  });

  it('are a lower bound where too little was found to rule dependence out', () => {
    expect(
      auditMisses(
        50,
        captures(30, (i) => i % 10 === 3),
      )?.bound,
    ).toBe('lower');
    expect(
      auditMisses(
        180,
        captures(100, (i) => i === 3),
      )?.bound,
    ).toBe('lower');
    expect(
      auditMisses(
        180,
        captures(
          100,
          (i) => i % 10 === 3,
          () => 1,
        ),
      )?.bound,
    ).toBe('lower');
  });

  it('are not known where nothing was found the second way', () => {
    expect(auditMisses(12, [])).toBeNull();
  });

  it('lie in their interval, within 0 and 1, in whatever order captures came', () => {
    const capture = fc.record({ counted: fc.boolean(), strength: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(capture, { minLength: 1, maxLength: 120 }), fc.nat(200), (second, more) => {
        const counted = second.filter((each) => each.counted).length + more;
        const audit = auditMisses(counted, second)!;
        expect(audit.low).toBeGreaterThanOrEqual(0);
        expect(audit.missRate).toBeGreaterThanOrEqual(audit.low);
        expect(audit.missRate).toBeLessThanOrEqual(audit.high);
        expect(audit.high).toBeLessThanOrEqual(1);
        expect(auditMisses(counted, second.toReversed())).toEqual(audit);
      }),
    );
  });

  it('are no fewer where one more of those found is missed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 80 }), fc.nat(100), fc.nat(), (total, more, pick) => {
        const missed = pick % total;
        const few = auditMisses(
          total - missed + more,
          captures(total, (i) => i < missed),
        )!;
        const many = auditMisses(
          total - missed + more - 1,
          captures(total, (i) => i <= missed),
        )!;
        expect(many.missRate).toBeGreaterThanOrEqual(few.missRate);
      }),
    );
  });
});
