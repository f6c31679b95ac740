import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detection } from '../../../inference/heads/detection.ts';
import { decodeGrid, GridHead, gridClasses, gridLength } from '../../../inference/heads/grid.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';

const SIZE = [32, 64] as const;
const preprocessing: Preprocessing = {
  size: SIZE,
  resize: 'stretch',
  crop: 'none',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  layout: 'NCHW',
  channels: 'RGB',
};

const headOf = (given: Partial<GridHead>): GridHead =>
  GridHead.parse({ stride: 8, score: 'probability', box: { typical: [[16, 8]] }, ...given });

/** Writes `values` of a cell, whatever the channels' order is: independent of how the decoding finds them. */
function put(
  output: Float32Array,
  { split }: GridHead,
  [x, y]: readonly [number, number],
  values: readonly number[],
): void {
  const [rows, columns] = [4, 8];
  values.forEach((value, i) => {
    const channel = ((y % split) * split + (x % split)) * values.length + i;
    output[channel * rows * columns + Math.floor(y / split) * columns + Math.floor(x / split)] = value;
  });
}

const empty = (head: GridHead, classes = 1): Float32Array => new Float32Array(gridLength(head, SIZE, classes));
const found = (output: Float32Array, head: GridHead, image = { width: 64, height: 32 }): Detection[] =>
  decodeGrid(output, { head, preprocessing, image });

describe('decodeGrid', () => {
  it('finds a lone cell at its middle, in the size of its class, as shares of the image', () => {
    const head = headOf({});
    const output = empty(head);
    put(output, head, [3, 1], [0.9]);
    const [only, ...others] = found(output, head, { width: 640, height: 480 });
    expect(others).toEqual([]);
    // Centre (3.5, 1.5) * 8 = (28, 12) of 64x32.
    expect(only?.box.map((side) => side * 64)).toEqual([20, 16, 16, 16]);
    expect(only).toMatchObject({ classIndex: 0, score: expect.closeTo(0.9, 6) as unknown });
  });

  it('shows an object that looks like two classes once, where the head says that one object has one box', () => {
    const twice = (head: GridHead): Detection[] => {
      const output = empty(head, 2);
      put(output, head, [3, 1], [0.6, 0.8]);
      return found(output, head);
    };
    const box = { typical: [[16, 8] as [number, number], [15, 8] as [number, number]] };
    expect(twice(headOf({ box })).map(({ classIndex }) => classIndex)).toEqual([1, 0]);
    expect(twice(headOf({ box, overlapAcrossClasses: 0.6 })).map(({ classIndex }) => classIndex)).toEqual([1]);
  });

  it('moves the centre towards the neighbours by their scores', () => {
    const head = headOf({});
    const output = empty(head);
    put(output, head, [3, 1], [0.6]);
    put(output, head, [4, 1], [0.3]);
    const [{ box } = { box: [0, 0, 0, 0] }] = found(output, head);
    expect(box[0] * 64 + 8).toBeCloseTo((3.5 + 0.3 / 0.9) * 8, 4);
  });

  it('takes one of equal neighbours, as int8 scores often are, and puts it between them', () => {
    const head = headOf({});
    const output = empty(head);
    put(output, head, [3, 1], [0.5]);
    put(output, head, [4, 1], [0.5]);
    const all = found(output, head);
    expect(all).toHaveLength(1);
    expect(all[0]!.box[0] * 64 + 8).toBeCloseTo(4 * 8, 5);
  });

  it('reads sizes and scores from logits, where the head says so', () => {
    const head = headOf({ score: 'logit', box: { logSize: 0.25 } });
    const output = empty(head, 2).fill(-9);
    put(output, head, [5, 2], [-9, 2, 4 * Math.log(2), 0]);
    const [{ box, classIndex, score } = { box: [], classIndex: -1, score: 0 }] = found(output, head);
    expect(box.map((side, i) => side * (i % 2 === 0 ? 64 : 32)).slice(2)).toEqual([
      expect.closeTo(16, 3),
      expect.closeTo(8, 3),
    ]);
    expect([classIndex, score]).toEqual([1, expect.closeTo(1 / (1 + Math.exp(-2)), 5)]);
  });

  it('finds what lies in any cell of any split there, and never anything where values are not finite', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        (split, u, v, broken) => {
          const head = headOf({ split, box: { logSize: 1 } });
          const cell = [Math.floor(u * 8 * split), Math.floor(v * 4 * split)] as const;
          const output = empty(head);
          put(output, head, cell, [0.8, 0, 0]);
          const [{ box } = { box: [0, 0, 0, 0] as const }, ...others] = found(output, head);
          expect(others).toEqual([]);
          expect((box[0] * 64 + 4) * (split / 8)).toBeCloseTo(cell[0] + 0.5, 3);
          expect((box[1] * 32 + 4) * (split / 8)).toBeCloseTo(cell[1] + 0.5, 3);
          put(output, head, cell, [0.8, broken, 0]);
          expect(found(output, head).every((each) => each.box.every(Number.isFinite))).toBe(true);
          put(output, head, cell, [broken, 0, 0]);
          expect(found(output, head)).toEqual([]);
        },
      ),
    );
  });

  it('finds every peak of at least the least score and no other, also of logits that only just reach it', () => {
    const least = 0.1;
    const threshold = Math.log(least / (1 - least));
    const logit = fc.oneof(
      fc.double({ min: threshold - 1e-6, max: threshold + 1e-6, noNaN: true }),
      fc.double({ min: -6, max: 6, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 }), fc.infiniteStream(logit), (split, logits) => {
        const head = headOf({ split, score: 'logit', overlap: 1 });
        const output = empty(head);
        const [rows, columns] = [4 * split, 8 * split];
        const cells = Array.from({ length: rows * columns }, (_, i) => [i % columns, Math.floor(i / columns)] as const);
        const values = Float32Array.from(cells, () => logits.next().value ?? 0);
        for (const [i, cell] of cells.entries()) put(output, head, cell, [values[i]!]);
        const scores = Float32Array.from(values, (value) => 1 / (1 + Math.exp(-value)));
        const peaks = scores.filter((score, i) => {
          const isHigher = (other: number): boolean => scores[other]! > score || (scores[other] === score && other < i);
          const isNeighbour = (j: number): boolean =>
            j !== i && cells[j]!.every((at, axis) => Math.abs(at - cells[i]![axis]!) <= 1);
          return score >= least && !scores.some((_, j) => isNeighbour(j) && isHigher(j));
        });
        expect(found(output, head).map(({ score }) => score)).toEqual([...peaks].sort((a, b) => b - a));
      }),
    );
  });

  it('keeps objects that are a cell apart from each other', () => {
    const head = headOf({ box: { typical: [[4, 4]] } });
    const output = empty(head);
    for (const cell of [
      [1, 1],
      [3, 1],
      [5, 3],
    ] as const)
      put(output, head, cell, [0.7]);
    expect(found(output, head)).toHaveLength(3);
  });
});

describe('gridClasses', () => {
  it('counts the classes of an output that fits, with open dimensions too', () => {
    expect(gridClasses([1, 1, 4, 8], headOf({}), SIZE)).toBe(1);
    expect(gridClasses(['N', 24, 'H', 'W'], headOf({ split: 2, box: { logSize: 1 } }), SIZE)).toBe(4);
  });

  it.each<[string, readonly number[], Partial<GridHead>]>([
    ['other rows', [1, 1, 5, 8], {}],
    ['channels that no split makes', [1, 10, 4, 8], { split: 2, box: { logSize: 1 } }],
    ['other classes than sizes', [1, 2, 4, 8], {}],
    ['a detector’s output', [1, 32, 6], {}],
  ])('refuses %s, saying what is expected', (_, dims, given) => {
    expect(() => gridClasses(dims, headOf(given), SIZE)).toThrow(/none of this grid: expected \[1, \d x/);
  });
});
