import { seededRandom } from '../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';

/** Seeded noise `[count, ...dims]`. */
export function noise(dims: readonly number[], seed = 3): { data: Float32Array; dims: readonly number[] } {
  const random = seededRandom(seed);
  return { data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal()), dims };
}

/** First output of a model for one input. */
export async function outputOf(model: Model, { data, dims }: ReturnType<typeof noise>): Promise<Float32Array> {
  const session = await openSession(encodeModel(model));
  try {
    const feeds = { [session.input.name]: floatTensor(data, dims) };
    return floatsOf(await session.run(feeds), session.output.name).slice();
  } finally {
    await session.close();
  }
}

export const operatorsOf = ({ graph }: Model): string[] => graph.nodes.map(({ opType }) => opType);
