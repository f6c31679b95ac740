import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { predictionChanges } from '../../../exporter/verify/class-changes.ts';

const LABELS = [0, 0, 0, 1, 1, 2];

describe('predictionChanges', () => {
  it('counts what was lost, won and confused, by class', () => {
    const before = { labels: LABELS, predicted: [0, 0, 1, 1, 1, 0] };
    const after = { labels: LABELS, predicted: [1, 2, 1, 1, 1, 2] };
    const changes = predictionChanges(before, after);
    expect(changes).toMatchObject({ images: 6, lost: 2, won: 1, changed: 3 });
    expect(changes.grown).toEqual([
      { label: 0, as: 1, before: 1, after: 2 },
      { label: 0, as: 2, before: 0, after: 1 },
    ]);
    expect(changes.classes).toEqual([
      { label: 0, images: 3, before: 2, after: 0, differing: 2, grown: changes.grown },
      { label: 1, images: 2, before: 2, after: 2, differing: 0, grown: [] },
      { label: 2, images: 1, before: 0, after: 1, differing: 1, grown: [] },
    ]);
  });

  it('adds up: the classes to the whole, and nothing differs from itself', () => {
    const image = fc.record({ label: fc.nat(4), was: fc.nat(4), is: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(image, { minLength: 1, maxLength: 60 }), (images) => {
        const labels = images.map(({ label }) => label);
        const before = { labels, predicted: images.map(({ was }) => was) };
        const after = { labels, predicted: images.map(({ is }) => is) };
        const { classes, lost, won } = predictionChanges(before, after);
        const sum = (of: (each: (typeof classes)[number]) => number): number =>
          classes.reduce((total, each) => total + of(each), 0);
        expect(sum(({ images: count }) => count)).toBe(images.length);
        expect(sum((each) => each.after - each.before)).toBe(won - lost);
        expect(sum(({ differing }) => differing)).toBe(won + lost);
        expect(predictionChanges(before, before)).toMatchObject({ lost: 0, won: 0, changed: 0, grown: [] });
      }),
    );
  });
});
