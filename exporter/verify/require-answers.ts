import { batchesOf, batchSizeFor } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { openGraph } from '../../calibration/graph-session.ts';
import { exposing } from '../../calibration/observe.ts';
import type { WaysideError } from '../../core/errors.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { type Feeds, openSession, type Results } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { notFinite, requireFiniteWeights } from './require-finite.ts';

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
  const session = await openGraph(model, { threads: 1 });
  try {
    const { input } = session;
    const fixed = typeof input.shape[0] === 'number';
    const size = batchSizeFor(input, preprocessing, 1);
    for await (const { tensor } of batchesOf(dataset, preprocessing, size, { indices: [0], fixed })) {
      const feeds = { [input.name]: tensor };
      const output = nonFiniteIn(await session.run(feeds));
      if (output !== undefined) throw await unanswered(model, feeds, what, output);
    }
  } finally {
    await session.close();
  }
}

/** The first of the results that holds a float that is no number. */
function nonFiniteIn(results: Results, names: readonly string[] = Object.keys(results)): string | undefined {
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
  const session = await openSession(
    encodeModel(
      exposing(
        model,
        made.map(([output]) => output),
      ),
    ),
    { threads: 1 },
  );
  try {
    const results = await session.run(feeds);
    const first = nonFiniteIn(
      results,
      made.map(([output]) => output),
    );
    return made.find(([output]) => output === first)?.[1];
  } finally {
    await session.close();
  }
}
