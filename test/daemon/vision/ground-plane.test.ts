import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point } from '../../../daemon/vision/geometry.ts';
import { groundPlane, Speedometer } from '../../../daemon/vision/ground-plane.ts';

/** A road of 6 m by 20 m seen from a pole: it narrows upwards. */
const ROAD = {
  image: [
    [0.1, 0.9],
    [0.9, 0.9],
    [0.6, 0.4],
    [0.4, 0.4],
  ],
  metres: [
    [0, 0],
    [6, 0],
    [6, 20],
    [0, 20],
  ],
} as const;

/** Where a place on the ground lies on the image: the plane the other way round. */
const seen = groundPlane({ image: ROAD.metres, metres: ROAD.image });
const imageOf = (place: Point): Point => seen?.(place) ?? [Number.NaN, Number.NaN];

describe('the plane of the ground', () => {
  it('takes the four places to their metres, and every place between back and forth', () => {
    const plane = groundPlane(ROAD);
    for (const [i, point] of ROAD.image.entries()) {
      const [x, y] = plane?.(point) ?? [];
      expect(x).toBeCloseTo(ROAD.metres[i]![0], 6);
      expect(y).toBeCloseTo(ROAD.metres[i]![1], 6);
    }
    fc.assert(
      fc.property(fc.double({ min: 0, max: 6, noNaN: true }), fc.double({ min: 0, max: 20, noNaN: true }), (x, y) => {
        const [u, v] = plane?.(imageOf([x, y])) ?? [];
        expect(u).toBeCloseTo(x, 5);
        expect(v).toBeCloseTo(y, 5);
      }),
    );
  });

  it('ends at the horizon', () => {
    expect(groundPlane(ROAD)?.([0.5, 0.05])).toBeUndefined();
  });

  it('is none through places on one line, or beyond the horizon', () => {
    expect(
      groundPlane({
        ...ROAD,
        image: [
          [0.1, 0.9],
          [0.2, 0.8],
          [0.3, 0.7],
          [0.4, 0.4],
        ],
      }),
    ).toBeUndefined();
    expect(
      groundPlane({
        ...ROAD,
        metres: [
          [0, 0],
          [6, 0],
          [0, 20],
          [6, 20],
        ],
      }),
    ).toBeUndefined();
  });
});

describe('a speed', () => {
  it('is that on the ground, wherever on the image, and holds when boxes tremble by a pixel', () => {
    const plane = groundPlane(ROAD);
    if (plane === undefined) throw new Error('no plane');
    for (const [at, away] of [
      [1, 1],
      [3, -1],
    ] as const) {
      const speedometer = new Speedometer(plane);
      const speeds = Array.from({ length: 15 }, (_, i) => {
        const [x, y] = imageOf([at, (away > 0 ? 2 : 18) + away * 10 * (i / 10)]);
        return speedometer.update(1, [x + (i % 2 === 0 ? 0.0005 : -0.0005), y], i / 10);
      });
      expect(speeds.slice(0, 3)).toEqual([undefined, undefined, undefined]);
      for (const speed of speeds.slice(8)) expect(speed).toBeCloseTo(10, 0);
    }
  });
});
