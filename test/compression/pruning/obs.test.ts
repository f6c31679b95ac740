import { afterAll, describe, expect, it } from 'vitest';
import { MatrixProducts } from '../../../compression/linear-algebra/products.ts';
import { type BlockState, eliminate } from '../../../compression/pruning/obs/elimination.ts';
import { narrowBlock, varianceOf, withoutColumns } from '../../../compression/pruning/obs/narrow-block.ts';
import type { Reader } from '../../../compression/pruning/obs/readers.ts';
import { wideBlock, wideWithoutColumns } from '../../../compression/pruning/obs/wide-block.ts';
import { seededRandom } from '../../../core/random.ts';

const products = new MatrixProducts();
afterAll(() => products.close());

type Means = (reader: Reader) => BlockState | Promise<BlockState>;
const MEANS: readonly (readonly [string, Means])[] = [
  ['in loops', (reader) => narrowBlock(reader, 1)],
  ['in matrix products', async (reader) => (await wideBlock(reader, products)).state(1)],
];

describe('elimination', () => {
  const random = seededRandom(9);
  const [size, rows, samples] = [6, 3, 400];
  const mixing = Array.from({ length: size * size }, () => random.normal());
  const x = Array.from({ length: samples }, () => {
    const raw = Array.from({ length: size }, () => random.normal());
    return raw.map((_, i) => raw.reduce((sum, value, j) => sum + mixing[i * size + j]! * value, 0));
  });
  const covariance = new Float64Array(size * size);
  for (const row of x) {
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) covariance[i * size + j]! += (row[i]! * row[j]!) / samples;
  }
  const weights = Float64Array.from({ length: rows * size }, () => random.normal());
  const columns = [
    [0, 1],
    [2, 3],
    [4, 5],
  ];

  /** Least error of the outputs without some columns, by gradient descent on the others: slow and independent. */
  function leastError(gone: readonly number[]): number {
    const damped = covariance.slice();
    const trace = columns.flat().reduce((sum, i) => sum + covariance[i * size + i]!, 0);
    for (let i = 0; i < size; i++) damped[i * size + i]! += (0.01 * trace) / size;
    let total = 0;
    for (let r = 0; r < rows; r++) {
      const change = new Float64Array(size);
      for (const i of gone) change[i] = -weights[r * size + i]!;
      for (let sweep = 0; sweep < 3000; sweep++) {
        for (let i = 0; i < size; i++) {
          if (gone.includes(i)) continue;
          let slope = 0;
          for (let j = 0; j < size; j++) slope += damped[i * size + j]! * change[j]!;
          change[i]! -= slope / damped[i * size + i]!;
        }
      }
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) total += change[i]! * damped[i * size + j]! * change[j]!;
    }
    return total;
  }

  it.each(MEANS)(
    'costs what is left of the error when all other weights have made up for a channel, %s',
    async (_, state) => {
      const { order, costs } = await eliminate([await state({ weights, rows, size, covariance, columns })], 3);
      const alone = columns.map(leastError);
      expect(order[0]).toBe(alone.indexOf(Math.min(...alone)));
      expect(costs[0]).toBeCloseTo(Math.min(...alone), 6);
      const two = columns.map((each, c) =>
        c === order[0] ? Number.POSITIVE_INFINITY : leastError([...columns[order[0]!]!, ...each]),
      );
      expect(order[1]).toBe(two.indexOf(Math.min(...two)));
      expect(costs[0]! + costs[1]!).toBeCloseTo(Math.min(...two), 5);
    },
  );

  it.each(MEANS)('takes a channel that another one repeats for free, %s', async (_, state) => {
    const twin = covariance.slice();
    for (let i = 0; i < size; i++)
      for (const [to, from] of [
        [2, 0],
        [3, 1],
      ] as const)
        twin[to * size + i] = covariance[from * size + i]!;
    const both = twin.slice();
    for (let i = 0; i < size; i++)
      for (const [to, from] of [
        [2, 0],
        [3, 1],
      ] as const)
        both[i * size + to] = twin[i * size + from]!;
    const { order, costs } = await eliminate([await state({ weights, rows, size, covariance: both, columns })], 3);
    expect(order[0]).not.toBe(2);
    expect(costs[0]! / costs[1]!).toBeLessThan(0.05);
  });

  it('of many channels lets others have their turn, is the same then, and hears a signal', async () => {
    const reader = blockOf(60, 1, 8);
    const state = (): BlockState => narrowBlock(reader, 1);
    const whole = await eliminate([state()], 60, undefined, 0);
    expect(whole).toEqual(await eliminate([state()], 60, undefined, Number.POSITIVE_INFINITY));
    const stop = new AbortController();
    const judging = eliminate([state(), state()], 60, stop.signal, 0);
    setImmediate(() => stop.abort());
    await expect(judging).rejects.toMatchObject({ name: 'AbortError' });
  });
});

/** A block of as many channels, all columns correlated. */
function blockOf(channels: number, each: number, seed: number): Reader {
  const random = seededRandom(seed);
  const size = channels * each;
  const [rows, samples] = [24, 2 * size];
  const x = Float64Array.from({ length: samples * size }, () => random.normal());
  for (let s = 0; s < samples; s++) for (let i = 1; i < size; i++) x[s * size + i]! += 0.7 * x[s * size + i - 1]!;
  const covariance = new Float64Array(size * size);
  for (let s = 0; s < samples; s++) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) covariance[i * size + j]! += (x[s * size + i]! * x[s * size + j]!) / samples;
    }
  }
  return {
    weights: Float64Array.from({ length: rows * size }, () => random.normal()),
    rows,
    size,
    covariance,
    columns: Array.from({ length: channels }, (_, c) => Array.from({ length: each }, (_, k) => c * each + k)),
  };
}

describe('blocks of large layers', () => {
  it.each([
    [150, 1],
    [20, 9],
  ])('of %i channels of %i columns each are judged as loops judge them', async (channels, each) => {
    const reader = blockOf(channels, each, channels);
    const norm = varianceOf(reader);
    const { variance, state } = await wideBlock(reader, products);
    expect(variance / norm).toBeCloseTo(1, 9);
    const narrow = await eliminate([narrowBlock(reader, norm)], channels);
    const wide = await eliminate([state(variance)], channels);
    expect(wide.order).toEqual(narrow.order);
    wide.costs.forEach((cost, step) => {
      expect(cost / narrow.costs[step]!).toBeCloseTo(1, 6);
    });
  });

  it.each([
    ['some', (c: number) => c % 3 === 1],
    ['none', () => false],
    ['all', () => true],
  ])('without %s of their columns are what loops make of them', async (_, goes) => {
    const reader = blockOf(90, 1, 4);
    const at = reader.columns.flat().filter(goes);
    const wide = await wideWithoutColumns(reader, at, products);
    withoutColumns(reader, at).forEach((weight, i) => {
      expect(wide[i]).toBeCloseTo(weight, 9);
    });
    for (const column of at) expect(wide[column]).toBe(0);
  });

  it('of columns that never vary lose nothing, and end', async () => {
    const reader = { ...blockOf(40, 2, 6), covariance: new Float64Array(80 * 80) };
    const { state } = await wideBlock(reader, products);
    const { order, costs } = await eliminate([state(1)], 40);
    expect(new Set(order).size).toBe(40);
    expect(costs.every(Number.isFinite)).toBe(true);
  });

  it('hear a signal while they are inverted', async () => {
    const reader = blockOf(100, 1, 3);
    const stopped = AbortSignal.abort();
    await expect(wideBlock(reader, products, stopped)).rejects.toMatchObject({ name: 'AbortError' });
    await expect(wideWithoutColumns(reader, [1], products, stopped)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
