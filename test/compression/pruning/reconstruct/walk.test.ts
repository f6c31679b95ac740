import { expect, it } from 'vitest';
import { Walk } from '../../../../compression/pruning/reconstruct/walk.ts';
import { seededRandom } from '../../../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../../../inference/session.ts';
import { encodeModel } from '../../../../onnx/file/write.ts';
import { Network } from '../network.ts';
import { residual } from '../structures.ts';

const COUNT = 6;
const random = seededRandom(5);
const images = { dims: [3, 8, 8], data: Float32Array.from({ length: COUNT * 192 }, () => random.normal()) };

it('takes over the memory of a value of the same size that nobody reads any more, never that of the images', async () => {
  const model = residual();
  const { nodes, inputs } = model.graph;
  const given = images.data.slice();
  const values = nodes.flatMap(({ outputs }) => outputs);
  const exposed = values.map((name) => ({ name, dtype: 'float32' as const, shape: null }));
  const session = await openSession(encodeModel({ ...model, graph: { ...model.graph, outputs: exposed } }));
  const expected = await session.run({ [session.input.name]: floatTensor(given, [COUNT, 3, 8, 8]) });
  await session.close();

  // Batches of 4 of 6: the second one reads what lies behind the first.
  const walk = new Walk(inputs[0]?.name ?? '', images, COUNT, { batch: 4 });
  const arrays = new Set<Float32Array>();
  let reached = 0;
  for (let until = 1; until < nodes.length; until++) {
    await walk.advance(model, until);
    const read = new Set(nodes.slice(until).flatMap((node) => node.inputs));
    const live = values.slice(0, until).filter((name) => read.has(name));
    for (const name of live) {
      const { data } = walk.value(name);
      const truth = floatsOf(expected, name);
      expect(Math.max(...data.map((value, i) => Math.abs(value - truth[i]!)))).toBeLessThan(1e-4);
      arrays.add(data);
    }
    reached += live.includes(values[until - 1]!) ? 1 : 0;
  }
  expect(images.data).toEqual(given);
  expect(arrays.has(images.data)).toBe(false);
  expect(arrays.size).toBeLessThan(reached);
});

it('runs fewer images at a time where many large values are looked at, never one alone, and shows the same', async () => {
  const random = seededRandom(6);
  const side = 256;
  const large = {
    dims: [3, side, side],
    data: Float32Array.from({ length: 7 * 3 * side * side }, () => random.normal()),
  };
  const net = new Network();
  const wide = net.relu(net.conv(net.input, 3, 48, { name: 'wide' })); // 12.6 MB an image
  const model = net.head(net.conv(wide, 48, 4, { name: 'narrow', stride: 2 }), 4);
  const narrow = model.graph.nodes.at(2)?.outputs[0] ?? '';
  const seen = async (...values: string[]) => {
    const walk = new Walk(model.graph.inputs[0]?.name ?? '', large, 7, { batch: 7 });
    const counts: number[] = [];
    const shown: Float32Array[] = [];
    await walk.advance(model, 0, {
      values,
      visit: (results, from, count) => {
        expect(from).toBe(counts.reduce((sum, each) => sum + each, 0));
        counts.push(count);
        shown.push(floatsOf(results, narrow).slice());
      },
    });
    return { counts, shown: Buffer.concat(shown.map(({ buffer }) => new Uint8Array(buffer))) };
  };
  const together = await seen(narrow);
  const several = await seen(wide, narrow);
  expect(together.counts).toEqual([7]);
  expect(several.counts).toEqual([4, 3]);
  expect(several.shown.equals(together.shown)).toBe(true);
});
