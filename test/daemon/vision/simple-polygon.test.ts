import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point } from '../../../daemon/vision/geometry.ts';
import {
  areaOf,
  crossingEdges,
  onOneLine,
  piercingEdges,
  repeatedCorner,
} from '../../../daemon/vision/simple-polygon.ts';

/** Corners around a middle, by the angle: no edge of it crosses another. */
const star = fc.array(fc.double({ min: 0.1, max: 0.5, noNaN: true }), { minLength: 4, maxLength: 12 }).map((radii) =>
  radii.map((radius, i): Point => {
    const angle = (2 * Math.PI * i) / radii.length;
    return [0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)];
  }),
);

describe('crossingEdges', () => {
  it('finds none around a middle', () => {
    fc.assert(fc.property(star, (polygon) => crossingEdges(polygon) === undefined));
  });

  it('finds one where two neighbouring corners are swapped, and the quadrangle around them bulges', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 12 }), fc.nat(), (corners, at) => {
        const polygon = Array.from({ length: corners }, (_, i): Point => {
          const angle = (2 * Math.PI * i) / corners;
          return [0.5 + 0.4 * Math.cos(angle), 0.5 + 0.4 * Math.sin(angle)];
        });
        const [a, b] = [at % corners, (at + 1) % corners];
        [polygon[a], polygon[b]] = [polygon[b]!, polygon[a]!];
        expect(crossingEdges(polygon)).toBeDefined();
      }),
    );
  });

  it.each<[string, Point[], readonly [number, number] | undefined]>([
    [
      'a square',
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ],
      undefined,
    ],
    [
      'a corner on a straight edge',
      [
        [0, 0],
        [0.5, 0],
        [1, 0],
        [1, 1],
      ],
      undefined,
    ],
    [
      'a bow tie',
      [
        [0, 0],
        [1, 1],
        [1, 0],
        [0, 1],
      ],
      [0, 2],
    ],
    [
      'a spike that returns on itself',
      [
        [0, 0],
        [1, 0],
        [0.5, 0],
        [0.5, 1],
      ],
      [0, 1],
    ],
    [
      'three corners on a line',
      [
        [0, 0],
        [1, 1],
        [0.5, 0.5],
      ],
      [0, 1],
    ],
    [
      'a corner that touches another edge',
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0.5, 0],
        [0, 1],
      ],
      [0, 2],
    ],
  ])('%s', (_name, polygon, found) => {
    expect(crossingEdges(polygon)).toEqual(found);
  });
});

describe('piercingEdges', () => {
  it('finds none around a middle, closed by hand or not', () => {
    fc.assert(fc.property(star, (polygon) => piercingEdges(polygon) === undefined));
    fc.assert(fc.property(star, (polygon) => piercingEdges([...polygon, polygon[0]!]) === undefined));
  });

  it('finds edges that go through each other, whatever corner is first and whichever way round', () => {
    const bowTie: Point[] = [
      [0.1, 0.1],
      [0.9, 0.9],
      [0.9, 0.1],
      [0.1, 0.9],
    ];
    for (let first = 0; first < 4; first++) {
      const turned = [...bowTie.slice(first), ...bowTie.slice(0, first)];
      expect(piercingEdges(turned)).toBeDefined();
      expect(piercingEdges(turned.toReversed())).toBeDefined();
    }
  });

  it('finds nothing in two parts that meet in a corner of both: what is inside is plain', () => {
    const twoParts: Point[] = [
      [0.1, 0.1],
      [0.5, 0.5],
      [0.9, 0.1],
      [0.9, 0.9],
      [0.5, 0.5],
      [0.1, 0.9],
    ];
    expect(piercingEdges(twoParts)).toBeUndefined();
    expect(onOneLine(twoParts)).toBe(false);
  });
});

it('onOneLine is what has no inside', () => {
  const place = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
  const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 8 });
  fc.assert(
    fc.property(place, place, shares, ([ax, ay], [bx, by], along) =>
      onOneLine(along.map((share): Point => [ax + share * (bx - ax), ay + share * (by - ay)])),
    ),
  );
  fc.assert(fc.property(star, (polygon) => !onOneLine(polygon)));
});

it('areaOf is the same in either direction', () => {
  fc.assert(
    fc.property(star, (polygon) => {
      expect(areaOf(polygon)).toBeGreaterThan(0);
      expect(areaOf(polygon.toReversed())).toBeCloseTo(areaOf(polygon), 12);
    }),
  );
  expect(
    areaOf([
      [0, 0],
      [0.5, 0],
      [0.5, 0.5],
      [0, 0.5],
    ]),
  ).toBe(0.25);
});

it('repeatedCorner finds a ring that was closed by hand', () => {
  expect(
    repeatedCorner([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ]),
  ).toEqual([0, 3]);
  expect(
    repeatedCorner([
      [0, 0],
      [1, 0],
      [1, 1],
    ]),
  ).toBeUndefined();
});
