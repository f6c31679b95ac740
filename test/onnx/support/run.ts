import { seededRandom } from '../../../core/random.ts';
import { openSession, type RunTensor } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model, Shape } from '../../../onnx/graph.ts';

/** Normal random numbers in a shape; symbols become `batch`. */
export function randomInput(shape: Shape, seed = 1, batch = 2): RunTensor {
  const dims = shape.map((dimension) => (typeof dimension === 'number' ? dimension : batch));
  const random = seededRandom(seed);
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { type: 'float32', dims, data };
}

/** What ONNX Runtime computes for a model file; nothing is rewritten on the way. */
export async function runBytes(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, RunTensor>>,
): Promise<Record<string, RunTensor>> {
  const session = await openSession(bytes, { optimization: 'disabled' });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** What ONNX Runtime computes for a model, its float inputs filled with random numbers. */
export function runModel(
  model: Model,
  feeds: Readonly<Record<string, RunTensor>> = {},
): Promise<Record<string, RunTensor>> {
  const filled = model.graph.inputs.map(({ name, shape }, i) => [name, feeds[name] ?? randomInput(shape ?? [], i + 1)]);
  return runBytes(encodeModel(model), Object.fromEntries(filled));
}
