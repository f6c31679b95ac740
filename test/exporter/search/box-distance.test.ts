import { describe, expect, test } from 'vitest';
import { distance } from '../../../exporter/search/divergence.ts';
import type { Predictions } from '../../../exporter/search/predictions.ts';
import { HEADS } from '../../../inference/heads/head.ts';

const SIZE = [8, 8] as const;
/** One cell of each stride; 4 values of a box, objectness, 2 classes. */
const CELLS = 3;
const VALUES = 7;

type Cell = readonly [x: number, y: number, w: number, h: number, objectness: number, first: number, second: number];

const predicted = (...images: readonly (readonly Cell[])[]): Predictions => ({
  probabilities: [],
  labels: images.map(() => 0),
  values: [
    images.map((cells) => {
      const values = new Float32Array(CELLS * VALUES);
      for (const [i, cell] of cells.entries()) values.set(cell, i * VALUES);
      return values;
    }),
  ],
  boxes: { head: HEADS['yolox-decoded'].head, size: SIZE },
});

const car: Cell = [4, 4, 4, 4, 0.8, 1, 0];

describe('the distance of boxes', () => {
  test('is 0 for the same boxes, whatever the background says', () => {
    const noisy: Cell = [100, 9, 50, 3, 0.01, 0.9, 0.9];
    expect(distance(predicted([car]), predicted([car]))).toBe(0);
    expect(distance(predicted([car, [1, 1, 1, 1, 0, 0, 0]]), predicted([car, noisy]))).toBe(0);
  });

  test('is 1 where nothing is found, and counts what is found besides', () => {
    expect(distance(predicted([car]), predicted([]))).toBeCloseTo(1);
    expect(distance(predicted([car]), predicted([car, car]))).toBeCloseTo(1);
  });

  test('grows with scores and edges that are off, and with another class', () => {
    const dimmer: Cell = [4, 4, 4, 4, 0.6, 1, 0];
    expect(distance(predicted([car]), predicted([dimmer]))).toBeCloseTo(0.25);
    const shifted: Cell = [6, 4, 4, 4, 0.8, 1, 0]; // shares a third
    expect(distance(predicted([car]), predicted([shifted]))).toBeCloseTo(2 / 3);
    const person: Cell = [4, 4, 4, 4, 0.8, 0, 1];
    expect(distance(predicted([car]), predicted([person]))).toBeCloseTo(2);
  });

  test('is that of all values where the float model finds nothing', () => {
    const [quiet, louder]: [Cell, Cell] = [
      [1, 1, 1, 1, 0.01, 1, 0],
      [1, 1, 1, 1, 0.02, 1, 0],
    ];
    expect(distance(predicted([quiet], []), predicted([louder], []))).toBeGreaterThan(0);
  });
});
