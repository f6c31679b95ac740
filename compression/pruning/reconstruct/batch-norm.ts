import type { Dataset } from '../../../calibration/dataset.ts';
import { observe } from '../../../calibration/observe.ts';
import type { RunOptions } from '../../../core/progress.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import type { Model, Node } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';

export interface BatchNormOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  readonly indices: readonly number[];
  /** @default 1 */
  readonly threads?: number;
}

/**
 * Measures mean and variance of every BatchNormalization anew, in the order of the graph, since each sees what those
 * before it make now. Costs one pass over the pictures a *level* of normalisations that do not depend on one another.
 *
 * @throws {WaysideError} SESSION_LOAD, SESSION_RUN, CALIBRATION_INVALID; AbortError when `signal` aborts
 */
export async function reestimateBatchNorm(model: Model, dataset: Dataset, options: BatchNormOptions): Promise<Model> {
  const { onProgress, ...rest } = options;
  const levels = levelsOf(model);
  let current = model;
  for (const [level, nodes] of levels.entries()) {
    const values = nodes.map(({ inputs }) => inputs[0] ?? '');
    const seen = await observe(current, dataset, { ...rest, values });
    const initializers = new Map(current.graph.initializers);
    for (const node of nodes) {
      const [x = '', , , mean = '', variance = ''] = node.inputs;
      const { channels } = seen.get(x)!;
      const means = channels.means();
      const spread = channels.meanSquares().map((square, c) => Math.max(0, square - means[c]! ** 2));
      initializers.set(mean, float32Tensor([means.length], Float32Array.from(means)));
      initializers.set(variance, float32Tensor([spread.length], Float32Array.from(spread)));
    }
    current = { ...current, graph: { ...current.graph, initializers } };
    onProgress?.({ stage: 'measuring normalisations', done: level + 1, total: levels.length });
  }
  return current;
}

/** Normalisations by how many others stand before them. */
function levelsOf({ graph }: Model): Node[][] {
  const depth = new Map<string, number>();
  const levels: Node[][] = [];
  for (const node of graph.nodes) {
    let deepest = Math.max(0, ...node.inputs.map((input) => depth.get(input) ?? 0));
    if (node.opType === 'BatchNormalization' && node.domain === '') {
      levels[deepest] = [...(levels[deepest] ?? []), node];
      deepest++;
    }
    for (const output of node.outputs) depth.set(output, deepest);
  }
  return levels;
}
