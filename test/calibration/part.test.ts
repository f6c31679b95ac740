import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../calibration/dataset.ts';
import { rangeOf, setAside } from '../../calibration/datasets/part.ts';
import { parseRanges, positionsInRanges, printRanges } from '../../calibration/datasets/ranges.ts';
import { madeDataset } from '../support/memory-dataset.ts';

const numbered = (size: number): Dataset =>
  madeDataset(size, (i) => ({ label: i % 10, image: { width: 1, height: 1, data: Uint8Array.of(i, i, i) } }));

async function idsOf(dataset: Dataset, indices?: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of dataset.samples(indices)) ids.push(id);
  return ids;
}

describe('ranges of positions', () => {
  it('are read as they are written, the last position not included', () => {
    expect(parseRanges('37500-40000')).toEqual([{ from: 37_500, to: 40_000 }]);
    expect(parseRanges('0-10, 20-')).toEqual([{ from: 0, to: 10 }, { from: 20 }]);
    expect(positionsInRanges([{ from: 2, to: 4 }, { from: 8 }, { from: 3, to: 5 }], 10)).toEqual([2, 3, 4, 8, 9]);
  });

  it.each(['', '5', '0.05', '5-5', '9-3', '-3', 'a-b', '1-2,', '1--2', '99999999999999999999-'])(
    'are not %s',
    (text) => {
      expect(parseRanges(text)).toBeUndefined();
    },
  );

  it('survive being printed', () => {
    const range = fc
      .record({ from: fc.nat(1000), length: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }) })
      .map(({ from, length }) => (length === undefined ? { from } : { from, to: from + length }));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 5 }), (ranges) => {
        expect(parseRanges(printRanges(ranges))).toEqual(ranges);
      }),
    );
  });
});

describe('a part that is set aside', () => {
  it('shares no image with the rest, and both together are the set', async () => {
    const size = 60;
    const bounds = fc
      .tuple(fc.nat(size - 1), fc.integer({ min: 1, max: size - 1 }))
      .map(([from, length]) => ({ from, to: Math.min(size, from + length) }))
      .filter(({ from, to }) => to - from < size);
    await fc.assert(
      fc.asyncProperty(bounds, async (range) => {
        const { train, validation } = setAside(numbered(size), [range]);
        const [kept, aside] = [await idsOf(train), await idsOf(validation)];
        expect([kept.length, aside.length]).toEqual([train.size, validation.size]);
        expect(aside).toEqual(Array.from({ length: range.to - range.from }, (_, i) => `#${range.from + i}`));
        expect(new Set([...kept, ...aside]).size).toBe(size);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps positions inside: what is asked of a part is a position of the part', async () => {
    const { train, validation } = setAside(numbered(20), [{ from: 5, to: 10 }]);
    expect(await idsOf(validation, [4, 0])).toEqual(['#9', '#5']);
    expect(await idsOf(train, [5])).toEqual(['#10']);
    await expect(idsOf(validation, [5])).rejects.toMatchObject({ code: 'DATASET_INVALID' });
  });

  it('is another set than the whole and than any other part, by name and digest', async () => {
    const whole = numbered(20);
    const parts = [setAside(whole, [{ from: 5, to: 10 }]), setAside(whole, [{ from: 5, to: 11 }])];
    const sets = [whole, ...parts.flatMap(({ train, validation }) => [train, validation])];
    expect(new Set(await Promise.all(sets.map((set) => set.digest()))).size).toBe(5);
    expect(new Set(sets.map(({ name }) => name)).size).toBe(5);
  });

  it('must lie in the set and leave something to train on', () => {
    const past = () => setAside(numbered(20), [{ from: 15, to: 21 }]);
    expect(past).toThrow(
      expect.objectContaining({ code: 'DATASET_INVALID', message: expect.stringContaining('15-21') }),
    );
    expect(() => rangeOf(numbered(20), [{ from: 20 }])).toThrow(expect.objectContaining({ code: 'DATASET_INVALID' }));
    expect(() => setAside(numbered(20), [{ from: 0 }])).toThrow(expect.objectContaining({ code: 'DATASET_INVALID' }));
  });
});
