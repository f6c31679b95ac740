import { expect, it } from 'vitest';
import { Walk } from '../../../../compression/pruning/reconstruct/walk.ts';
import { seededRandom } from '../../../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../../../inference/session.ts';
import { encodeModel } from '../../../../onnx/file/write.ts';
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
