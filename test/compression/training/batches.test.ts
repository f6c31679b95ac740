import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaSample, draw, normalizationTables, place, UNCHANGED } from '../../../compression/training/data/augment.ts';
import { batchMaker } from '../../../compression/training/data/batch-maker.ts';
import { splitImages } from '../../../compression/training/data/split.ts';
import { seededRandom } from '../../../core/random.ts';
import { PLAIN, SIDE, sides } from './support.ts';

const PIXELS = SIDE * SIDE;

function placed(planes: Uint8Array, drawn: Parameters<typeof place>[4]): Float32Array {
  const out = new Float32Array(3 * PIXELS);
  place(planes, 0, [SIDE, SIDE], normalizationTables(PLAIN), drawn, out, 0);
  return out;
}

const image = fc.uint8Array({ minLength: 3 * PIXELS, maxLength: 3 * PIXELS });

describe('augmentation', () => {
  it('leaves an unchanged image normalised and nothing else', () => {
    fc.assert(
      fc.property(image, (planes) => {
        const out = placed(planes, UNCHANGED);
        planes.forEach((value, i) => {
          expect(out[i]).toBeCloseTo((value / 255 - 0.5) / 0.25, 5);
        });
      }),
    );
  });

  it('mirrors each row: twice is the image again', () => {
    fc.assert(
      fc.property(image, (planes) => {
        const mirrored = placed(planes, { ...UNCHANGED, mirrored: true });
        const plain = placed(planes, UNCHANGED);
        for (let i = 0; i < plain.length; i++) {
          const column = i % SIDE;
          expect(mirrored[i]).toBe(plain[i - column + (SIDE - 1 - column)]);
        }
      }),
    );
  });

  it('shifts by whole pixels and fills the edge with the mean colour', () => {
    fc.assert(
      fc.property(image, fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }), (planes, dx, dy) => {
        const shifted = placed(planes, { ...UNCHANGED, dx, dy });
        const plain = placed(planes, UNCHANGED);
        for (let i = 0; i < shifted.length; i++) {
          const x = (i % SIDE) + dx;
          const y = (Math.floor(i / SIDE) % SIDE) + dy;
          const inside = x >= 0 && x < SIDE && y >= 0 && y < SIDE;
          expect(shifted[i]).toBe(inside ? plain[i + dy * SIDE + dx] : 0);
        }
      }),
    );
  });

  it('cuts a square out, and only that', () => {
    const planes = new Uint8Array(3 * PIXELS).fill(255);
    const zeros = placed(planes, { ...UNCHANGED, cut: { x: 4, y: 4, side: 4 } }).filter((value) => value === 0);
    expect(zeros.length).toBe(3 * 16);
  });

  it('draws shifts in their range, both ways as often', () => {
    const random = seededRandom(1);
    const draws = Array.from({ length: 4000 }, () => draw(random, { shift: 2 }, SIDE, SIDE));
    expect(new Set(draws.map(({ dx }) => dx))).toEqual(new Set([-2, -1, 0, 1, 2]));
    expect(draws.filter(({ mirrored }) => mirrored).length / 4000).toBeCloseTo(0.5, 1);
    expect(draw(random, { flip: false, shift: 0 }, SIDE, SIDE)).toEqual(UNCHANGED);
  });

  it('draws from Beta(a, a): mean 1/2, variance 1 / (8a + 4)', () => {
    const random = seededRandom(5);
    const values = Array.from({ length: 20_000 }, () => betaSample(random, 0.4));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(0.5, 1);
    expect(variance).toBeCloseTo(1 / 7.2, 2);
  });
});

describe('batches', () => {
  const plan = { images: sides(50), preprocessing: PLAIN, augmentation: { mixup: 0.4 }, batch: 8, seed: 3 };

  it('are a function of seed, epoch and step alone', () => {
    const forward = batchMaker(plan);
    const order = [0, 1, 2, 3, 4, 5].map((step) => forward(2, step));
    const backward = batchMaker(plan);
    for (const step of [5, 0, 3]) expect(backward(2, step)).toEqual(order[step]);
    expect(backward(1, 3).data).not.toEqual(order[3]?.data);
    expect(batchMaker({ ...plan, seed: 4 })(2, 3).data).not.toEqual(order[3]?.data);
  });

  it('visit every image once an epoch, in another order each time', () => {
    const visited = (epoch: number): string[] => {
      const make = batchMaker({ ...plan, augmentation: { shift: 0, flip: false }, batch: 10 });
      return [0, 1, 2, 3, 4].flatMap((step) => {
        const { data } = make(epoch, step);
        return Array.from({ length: 10 }, (_, i) => data.subarray(i * 3 * PIXELS, (i + 1) * 3 * PIXELS).join());
      });
    };
    expect(new Set(visited(0)).size).toBe(50);
    expect(visited(1)).not.toEqual(visited(0));
    expect(new Set(visited(1))).toEqual(new Set(visited(0)));
  });

  it('have targets that sum to 1, smoothed and mixed or not', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.5, noNaN: true }), fc.constantFrom(0, 0.2, 1), (labelSmoothing, mixup) => {
        const { targets } = batchMaker({ ...plan, augmentation: { labelSmoothing, mixup } })(0, 1);
        for (let i = 0; i < plan.batch; i++) {
          const row = [...targets.subarray(i * 3, i * 3 + 3)];
          expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
          expect(Math.min(...row)).toBeGreaterThanOrEqual(labelSmoothing / 3 - 1e-6);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('the validation split', () => {
  const ids = (name: (i: number) => string) => ({
    ...sides(120),
    ids: Array.from({ length: 120 }, (_, i) => name(i)),
  });

  it('takes the same share of every class and shares no image', () => {
    const all = ids((i) => `${i}.png`);
    const { training, validation } = splitImages(all, 0.2, 1);
    const labels = new Int32Array(all.labels);
    for (const label of [0, 1, 2]) {
      expect(validation.positions.filter((position) => labels[position] === label).length).toBe(8);
    }
    expect([...training.positions, ...validation.positions].sort((a, b) => a - b)).toEqual(all.positions);
  });

  it('keeps images of one folder below the class together', () => {
    const all = ids((i) => `class${i % 3}/track${Math.floor(i / 12)}/${i}.png`);
    const { training, validation } = splitImages(all, 0.2, 1);
    const tracks = (positions: readonly number[]) =>
      new Set(positions.map((position) => all.ids[position]?.split('/').slice(0, 2).join('/')));
    expect(validation.positions.length).toBeGreaterThan(0);
    expect([...tracks(training.positions)].filter((track) => tracks(validation.positions).has(track))).toEqual([]);
  });
});
