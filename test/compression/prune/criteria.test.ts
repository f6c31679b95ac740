import { describe, expect, it } from 'vitest';
import { analyzeChannels } from '../../../compression/prune/channels/groups.ts';
import { type Criterion, fpgm, l1, l2, taylor } from '../../../compression/prune/criteria.ts';
import { eliminate, eliminateInTurns } from '../../../compression/prune/damage/elimination.ts';
import { seededRandom } from '../../../core/random.ts';
import type { Model } from '../../../onnx/graph.ts';
import { asFloat32, float32Tensor } from '../../../onnx/tensor.ts';
import { Network } from './network.ts';

/** Two convolutions; `conv1` makes the 6 channels that are judged. */
function pair(change: (filters: Float32Array) => void = () => {}): Model {
  const net = new Network(3);
  const x = net.relu(net.conv(net.input, 3, 6, { name: 'conv1' }));
  const model = net.head(net.relu(net.conv(x, 6, 4, { name: 'conv2' })), 4);
  const tensor = model.graph.initializers.get('conv1.weight')!;
  const values = asFloat32(tensor).slice();
  change(values);
  const initializers = new Map(model.graph.initializers).set('conv1.weight', float32Tensor(tensor.dims, values));
  return { ...model, graph: { ...model.graph, initializers } };
}

const scored = (criterion: Criterion, model: Model): Float64Array =>
  criterion(model, analyzeChannels(model).groups.find(({ name }) => name === 'conv1.weight')!);

const smallest = (values: Float64Array): number => values.indexOf(Math.min(...values));

describe('norms', () => {
  for (const [name, criterion] of Object.entries({ l1, l2 })) {
    it(`${name} grows with a filter's weights and leaves the others' scores alone`, () => {
      const before = scored(criterion, pair());
      const after = scored(
        criterion,
        pair((filters) => {
          for (let i = 0; i < 27; i++) filters[i]! *= 3;
        }),
      );
      expect(after[0]).toBeGreaterThan(before[0]!);
      expect([...after.subarray(1)]).toEqual([...before.subarray(1)]);
    });
  }
});

describe('FPGM', () => {
  it('finds the filter that the others can replace, though it is not small', () => {
    const model = pair((filters) => {
      for (let i = 0; i < 27; i++) {
        let mean = 0;
        for (let filter = 0; filter < 6; filter++) if (filter !== 2) mean += filters[filter * 27 + i]! / 5;
        filters[2 * 27 + i] = mean;
      }
      for (let i = 0; i < filters.length; i++) filters[i]! += 1; // shifts do not matter to distances
    });
    expect(smallest(scored(fpgm, model))).toBe(2);
  });
});

describe('Taylor', () => {
  it('is the change of a linear loss', () => {
    const model = pair();
    const random = seededRandom(5);
    const w = asFloat32(model.graph.initializers.get('conv1.weight')!);
    const g = w.map(() => random.normal());
    const scores = scored(taylor(new Map([['conv1.weight', g]])), model);
    for (let filter = 0; filter < 6; filter++) {
      let change = 0;
      for (let i = filter * 27; i < (filter + 1) * 27; i++) change += w[i]! * g[i]!;
      expect(scores[filter]).toBeCloseTo(Math.abs(change), 4);
    }
  });
});

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

  it('costs what is left of the error when all other weights have made up for a channel', () => {
    const { order, costs } = eliminate([{ weights, rows, size, covariance, columns, norm: 1 }], 3);
    const alone = columns.map(leastError);
    expect(order[0]).toBe(alone.indexOf(Math.min(...alone)));
    expect(costs[0]).toBeCloseTo(Math.min(...alone), 6);
    const two = columns.map((each, c) =>
      c === order[0] ? Number.POSITIVE_INFINITY : leastError([...columns[order[0]!]!, ...each]),
    );
    expect(order[1]).toBe(two.indexOf(Math.min(...two)));
    expect(costs[0]! + costs[1]!).toBeCloseTo(Math.min(...two), 5);
  });

  it('takes a channel that another one repeats for free', () => {
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
    const { order, costs } = eliminate([{ weights, rows, size, covariance: both, columns, norm: 1 }], 3);
    expect(order[0]).not.toBe(2);
    expect(costs[0]! / costs[1]!).toBeLessThan(0.05);
  });

  it('of many channels lets others have their turn, is the same then, and hears a signal', async () => {
    const many = 60;
    const random = seededRandom(8);
    const square = Float64Array.from({ length: many * many }, (_, i) =>
      i % (many + 1) === 0 ? 1 + random.next() : 0.01,
    );
    const reader = {
      weights: Float64Array.from({ length: 256 * many }, () => random.normal()),
      rows: 256,
      size: many,
      covariance: square,
      columns: Array.from({ length: many }, (_, i) => [i]),
      norm: 1,
    };
    const whole = await eliminateInTurns([reader], many, undefined, 0);
    expect(whole).toEqual(eliminate([reader], many));
    const stop = new AbortController();
    const judging = eliminateInTurns([reader, reader], many, stop.signal, 0);
    setImmediate(() => stop.abort());
    await expect(judging).rejects.toMatchObject({ name: 'AbortError' });
  });
});
