import { expect, it } from 'vitest';
import { letGoOfFile } from '../../../exporter/passes/let-go-of-file.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Model } from '../../../onnx/graph.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';

const FILE_VALUES = 1000;

/** A model whose only weights are a view of the first values of a larger buffer. */
function viewing(values: number): Model {
  const file = Float32Array.from({ length: FILE_VALUES }, (_, i) => i);
  const builder = new GraphBuilder('viewing');
  const x = builder.input('x', 'float32', [1, values]);
  const weights = builder.constant('weights', float32Tensor([values], file.subarray(0, values)));
  const [sum] = builder.node('Add', [x, weights]);
  builder.output(sum, 'float32', [1, values]);
  return builder.build({ opset: 13, irVersion: 7 });
}

const bytesOf = async (values: number): Promise<Uint8Array> => {
  const { graph } = await runPasses(viewing(values), [letGoOfFile]);
  return [...graph.initializers.values()][0]!.bytes;
};

it('copies the little that is left of a file, so that the rest need not stay in memory', async () => {
  const few = await bytesOf(100);
  expect(few.buffer.byteLength).toBe(400);
  expect([...new Float32Array(few.buffer)]).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

it('copies nothing of a file that is mostly in use', async () => {
  const many = await bytesOf(500);
  expect(many.buffer.byteLength).toBe(4 * FILE_VALUES);
});
