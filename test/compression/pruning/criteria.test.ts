import { describe, expect, it } from 'vitest';
import { analyzeChannels } from '../../../compression/pruning/channels/groups.ts';
import type { Importance } from '../../../compression/pruning/criteria/criterion.ts';
import { fpgm } from '../../../compression/pruning/criteria/fpgm.ts';
import { l1 } from '../../../compression/pruning/criteria/l1.ts';
import { l2 } from '../../../compression/pruning/criteria/l2.ts';
import { firstOrderChange } from '../../../compression/pruning/taylor-scores.ts';
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

const scored = (criterion: Importance, model: Model): Float64Array =>
  criterion(model, analyzeChannels(model).groups.find(({ name }) => name === 'conv1.weight')!);

const smallest = (values: Float64Array): number => values.indexOf(Math.min(...values));

describe('norms', () => {
  for (const [name, criterion] of Object.entries({ l1: l1.importance, l2: l2.importance })) {
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
    expect(smallest(scored(fpgm.importance, model))).toBe(2);
  });
});

describe('Taylor', () => {
  it('is the change of a linear loss', () => {
    const model = pair();
    const random = seededRandom(5);
    const w = asFloat32(model.graph.initializers.get('conv1.weight')!);
    const g = w.map(() => random.normal());
    const scores = scored(firstOrderChange(new Map([['conv1.weight', g]])), model);
    for (let filter = 0; filter < 6; filter++) {
      let change = 0;
      for (let i = filter * 27; i < (filter + 1) * 27; i++) change += w[i]! * g[i]!;
      expect(scores[filter]).toBeCloseTo(Math.abs(change), 4);
    }
  });
});
