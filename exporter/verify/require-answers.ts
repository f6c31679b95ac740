import type { Batch } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { observing, runOver } from '../../calibration/run-over.ts';
import type { WaysideError } from '../../core/errors.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Feeds, Results } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { notFinite, requireFiniteWeights } from '../reading/require-finite.ts';

/**
 * Runs a model that is about to be written on real images: its weights and its answers must be numbers.
 *
 * @param dataset of which the first image is taken
 * @throws {WaysideError} MODEL_NOT_FINITE, SESSION_LOAD, SESSION_RUN
 */
export async function requireAnswers(
  model: Model,
  dataset: Dataset,
  preprocessing: Preprocessing,
  what: string,
): Promise<void> {
  requireFiniteWeights(model, `${what} was not written: it has weights that are no numbers`);
  await observing(model, [], 1, (session) => {
    const values = session.outputs.map(({ name }) => name);
    const see = async ({ tensor }: Batch, seen: Results): Promise<void> => {
      const output = nonFiniteIn(seen, values);
      if (output !== undefined) throw await unanswered(model, { [session.input.name]: tensor }, what, output);
    };
    return runOver(session, dataset, [{ values, see }], { preprocessing, indices: [0], batchSize: 1 });
  });
}

/** The first of the results that holds a float that is no number. */
function nonFiniteIn(results: Results, names: readonly string[]): string | undefined {
  return names.find((name) => {
    const data = results[name]?.data;
    return data instanceof Float32Array && !data.every(Number.isFinite);
  });
}

async function unanswered(model: Model, feeds: Feeds, what: string, output: string): Promise<WaysideError> {
  const node = await firstNonFiniteNode(model, feeds);
  const where = node === undefined ? '' : `, beginning in ${node}`;
  return notFinite(`${what} was not written: its output ${output} is NaN or infinite for a real image${where}`);
}

/** The node whose output is the first that is no number, told by running the model with all its float values as outputs. */
async function firstNonFiniteNode(model: Model, feeds: Feeds): Promise<string | undefined> {
  const types = inferShapes(model);
  const made = model.graph.nodes.flatMap(({ opType, name, outputs }) =>
    outputs.flatMap((output) =>
      types.get(output)?.dtype === 'float32' ? [[output, `${opType} ${name}`] as const] : [],
    ),
  );
  const values = made.map(([output]) => output);
  return observing(model, values, 1, async (session) => {
    const first = nonFiniteIn(await session.run(feeds), values);
    return made.find(([output]) => output === first)?.[1];
  });
}
