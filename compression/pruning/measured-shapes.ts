import { exposing } from '../../calibration/exposing.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { floatTensor, openSession, type RunTensor } from '../../inference/session.ts';
import { macsOfNode, type Types, typesOfOneImage } from '../../onnx/cost.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';

/** Height and width of the images that a model is fed. */
type ImageSize = Pick<Preprocessing, 'size'>;

/**
 * Types of a run over one image, as far as operations need them. Shapes that cannot be inferred, such as those behind an operator
 * without a rule, are those that ONNX Runtime makes of one empty image.
 *
 * @throws {WaysideError} SHAPE_INFERENCE
 */
export async function measuredTypes(model: Model, { size }: ImageSize): Promise<Types> {
  const types = typesOfOneImage(model, size);
  const { graph } = model;
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const missing = graph.nodes
    .filter((node) => macsOfNode(node, types) === undefined)
    .flatMap((node) => [...node.inputs.slice(0, 2), node.outputs[0] ?? ''])
    .filter((value) => made.has(value));
  if (missing.length === 0) return types;
  const values = [...new Set(missing)];
  const results = await runOnce(exposing(model, values), values, size);
  const found = new Map(types);
  for (const value of values) {
    const dims = results?.[value]?.dims;
    if (dims !== undefined) found.set(value, { dtype: types.get(value)?.dtype ?? 'float32', shape: dims });
  }
  return found;
}

/** Undefined where ONNX Runtime cannot run the model so: what is unknown then stays unknown. */
async function runOnce(
  model: Model,
  outputs: readonly string[],
  size: Preprocessing['size'],
): Promise<Record<string, RunTensor> | undefined> {
  try {
    const session = await openSession(encodeModel(model), { threads: 1 });
    try {
      const { input } = session;
      const batch = typeof input.shape[0] === 'number' ? input.shape[0] : 1;
      const dims = [batch, 3, ...size];
      const image = floatTensor(new Float32Array(dims.reduce((product, dim) => product * dim, 1)), dims);
      return await session.run({ [input.name]: image }, { outputs });
    } finally {
      await session.close();
    }
  } catch (error) {
    if (error instanceof WaysideError) return undefined;
    throw error;
  }
}
