import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INTEGER_RANGE, narrow } from '../../core/narrow.ts';

const types = ['int8', 'uint8', 'int32'] as const;

describe.each(types)('narrowing to %s', (type) => {
  const [lowest, highest] = INTEGER_RANGE[type];

  it('keeps every whole number that fits', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: lowest, max: highest })), (values) => {
        expect([...narrow(type, values.length, (i) => values[i]!, 'values')]).toEqual(values);
      }),
    );
  });

  it.each([lowest - 1, highest + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40])('refuses %d', (value) => {
    expect(() => narrow(type, 1, () => value, 'the bias of conv')).toThrow(
      expect.objectContaining({ code: 'INTEGER_OVERFLOW', message: expect.stringContaining('the bias of conv') }),
    );
  });
});
