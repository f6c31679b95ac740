import { WaysideError } from '../../core/errors.ts';
import type { Model } from '../../onnx/graph.ts';
import { type Pruned, type PruneOptions, prune } from './prune.ts';

interface LatencyOutcome {
  readonly pruned: Pruned;
  /** Milliseconds of one image, as measured. */
  readonly before: number;
  readonly after: number;
}

/** Halvings of the range of shares: 0.95 / 2^6 = 1.5% of the operations, below what timing can tell apart. */
const HALVINGS = 6;
const MOST = 0.95;

/**
 * Prunes until one image takes so much less time *here*: operations are no measure of it (a layer of 12 channels may
 * take as long as one of 16). Searches for the least share of operations to remove that reaches the goal.
 *
 * @param latencyOf milliseconds of one image, from `measureLatency`
 * @throws {WaysideError} PRUNING_IMPOSSIBLE
 */
export async function pruneToLatency(
  model: Model,
  options: Omit<PruneOptions, 'unit'>,
  latencyOf: (model: Model) => Promise<number>,
): Promise<LatencyOutcome> {
  const before = await latencyOf(model);
  const wanted = before * (1 - options.goal);
  let [low, high] = [0, MOST];
  let best: LatencyOutcome | undefined;
  for (let step = 0; step < HALVINGS; step++) {
    const goal = (low + high) / 2;
    const pruned = tryPrune(model, { ...options, unit: 'flops', goal });
    const after = pruned === undefined ? undefined : await latencyOf(pruned.model);
    if (pruned === undefined || after === undefined) {
      high = goal; // the floors stand in the way of going that far
    } else if (after <= wanted) {
      best = { pruned, before, after };
      high = goal;
    } else low = goal;
  }
  if (best !== undefined) return best;
  throw new WaysideError('PRUNING_IMPOSSIBLE', {
    message: `no pruning takes ${before.toPrecision(3)} ms down to ${wanted.toPrecision(3)} ms on this machine`,
    hint: 'lower the goal or the floor',
  });
}

function tryPrune(model: Model, options: PruneOptions): Pruned | undefined {
  try {
    return prune(model, options);
  } catch (error) {
    if (error instanceof WaysideError && error.code === 'PRUNING_IMPOSSIBLE') return undefined;
    throw error;
  }
}
