import { seededRandom } from '../../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';

/** Answers of a model to images of noise, `[count, 3, 8, 8]`. */
export async function answersOf(model: Model, count = 2): Promise<Float32Array> {
  const random = seededRandom(7);
  const noise = Float32Array.from({ length: count * 3 * 8 * 8 }, () => random.normal());
  const session = await openSession(encodeModel(model));
  try {
    const results = await session.run({ [session.input.name]: floatTensor(noise, [count, 3, 8, 8]) });
    return floatsOf(results, session.output.name);
  } finally {
    await session.close();
  }
}

/** Largest difference as a share of the largest answer. */
export function difference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const most = a.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6);
  return a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0) / most;
}
