import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobLimits, LIMIT_NAMES, withJobLimits } from '../../../deploy/trial/job-limits.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';

const own = { limits: trialLimits.parse({ slower: { tolerated: 0.2, margin: 0.5 }, memoryMb: 512 }), longestHours: 24 };

describe('the limits of a job', () => {
  it('ask more of a candidate than the box does, and what they leave out stays as the box has it', () => {
    const asked = { slower: { margin: 0.3 }, shadowBlocks: 40, falseRollbacks: 0.05, longestHours: 2 };
    expect(withJobLimits(own, asked)).toEqual({
      limits: { ...own.limits, slower: { tolerated: 0.2, margin: 0.3 }, shadowBlocks: 40, falseRollbacks: 0.05 },
      longestHours: 2,
    });
    expect(withJobLimits(own)).toEqual(own);
  });

  it.each([
    ['memory', { memoryMb: 513 }, 'memoryMb: 513 is looser than this box’s 512'],
    ['blocks before it answers', { shadowBlocks: 1 }, 'shadowBlocks: 1 is looser'],
    ['one of a pair', { slower: { margin: 0.6 } }, 'slower.margin: 0.6 is looser'],
    ['the rate that guards the running model', { falsePromotions: 0.2 }, 'falsePromotions: 0.2 is looser'],
    ['the rate by which worse is seen', { falseRollbacks: 0.001 }, 'falseRollbacks: 0.001 is looser'],
    ['time', { longestHours: 25 }, 'longestHours: 25 is looser'],
    ['a name that there is not', { memory: 5 }, 'memory: no such limit'],
    ['a name that objects have', { constructor: 5 }, 'constructor: no such limit'],
    ['a pair as a number', { slower: 0.1 }, 'slower: no such limit'],
    ['words', { memoryMb: 'few' }, 'memoryMb: expected a number, found "few"'],
    ['a list', { memoryMb: [16] }, 'memoryMb: expected a number, found [16]'],
    ['a margin below what the box tolerates', { slower: { margin: 0.1 } }, 'slower: '],
    ['less than can be', { memoryMb: 1 }, 'memoryMb: '],
    ['no time at all', { longestHours: 0 }, 'longestHours: '],
  ])('are refused, with the cause: %s', (_, asked, cause) => {
    expect(withJobLimits(own, asked)).toEqual({ refused: expect.stringContaining(cause.replace('’', "'")) });
  });

  it('never make a trial laxer, whatever a broker sends', () => {
    const value = fc.oneof(fc.double(), fc.integer({ min: 0, max: 2000 }), fc.jsonValue());
    const pair = fc.dictionary(fc.constantFrom('tolerated', 'margin', '__proto__'), value);
    const asked = fc.dictionary(
      fc.constantFrom(...LIMIT_NAMES, 'slower', 'classShift', '__proto__'),
      fc.oneof(value, pair),
    );
    fc.assert(
      fc.property(asked, (limits) => {
        const held = withJobLimits(own, limits);
        if ('refused' in held) return;
        const { limits: after, longestHours } = held;
        expect(after.memoryMb).toBeLessThanOrEqual(own.limits.memoryMb);
        expect(after.restarts).toBeLessThanOrEqual(own.limits.restarts);
        expect(after.mostBlocks).toBeLessThanOrEqual(own.limits.mostBlocks);
        expect(after.shadowBlocks).toBeGreaterThanOrEqual(own.limits.shadowBlocks);
        expect(after.probationBlocks).toBeGreaterThanOrEqual(own.limits.probationBlocks);
        expect(after.falsePromotions).toBeLessThanOrEqual(own.limits.falsePromotions);
        expect(after.slower.margin).toBeLessThanOrEqual(own.limits.slower.margin);
        expect(after.classShift.tolerated).toBeLessThanOrEqual(own.limits.classShift.tolerated);
        expect(longestHours).toBeLessThanOrEqual(own.longestHours);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what an operator names', () => {
  it('is what a job carries', () => {
    const named = new Map([
      ['slower.margin', 0.2],
      ['slower.tolerated', 0.05],
      ['memoryMb', 400],
      ['longestHours', 2],
    ]);
    const limits = { slower: { margin: 0.2, tolerated: 0.05 }, memoryMb: 400, longestHours: 2 };
    expect(jobLimits(named)).toEqual({ limits });
    // The other of a pair is the box's, and may be anything.
    expect(jobLimits(new Map([['slower.tolerated', 3]]))).toEqual({ limits: { slower: { tolerated: 3 } } });
  });

  it.each([
    ['memory', 5, 'memory: no such limit; there are falseRollbacks'],
    ['memoryMb', -5, 'memoryMb: '],
    ['shadowBlocks', 1.5, 'shadowBlocks: '],
    ['slower.margin', 0, 'slower'],
    ['longestHours', 1000, 'longestHours: '],
  ])('is looked at before anything is sent: %s', (name, value, wrong) => {
    expect(jobLimits(new Map([[name, value]]))).toEqual({ wrong: expect.stringContaining(wrong) });
  });

  it('has a name for every limit that a box is configured to', () => {
    const names = Object.entries(trialLimits.parse({})).flatMap(([name, value]) =>
      typeof value === 'object' ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
    );
    expect(LIMIT_NAMES).toEqual([...names, 'longestHours']);
  });
});
