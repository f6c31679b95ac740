import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearestWord } from '../../../core/config/nearest.ts';

describe('editDistance', () => {
  it('is a distance: zero only for equals, the same both ways', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBe(editDistance(b, a));
      }),
    );
  });

  it.each([
    ['stallSecond', 'stallSeconds', 1],
    ['tresh', 'thresh', 1],
    ['pakcage', 'package', 1],
    ['', 'url', 3],
  ])('%s to %s is %i', (a, b, distance) => expect(editDistance(a, b)).toBe(distance));
});

describe('nearestWord', () => {
  const known = ['id', 'url', 'rate', 'threshold', 'regions'];
  it('finds the slip of a finger, whatever the case', () => expect(nearestWord('Treshold', known)).toBe('threshold'));
  it('suggests nothing for a word of its own', () => expect(nearestWord('colour', known)).toBeUndefined());
});
