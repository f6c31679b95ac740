import type { BatchStatistics } from '../../autodiff/training-graph.ts';
import type { StepPlan } from '../step-plan.ts';
import { openStepper, type Stepper } from '../stepper.ts';
import { openShardedStepper } from './sharded-stepper.ts';

/** Least images that a normalisation takes its statistics from: of fewer, they are noise. */
const LEAST = 16;

/**
 * Equal parts of a batch that processes of their own take forward and backward: one a thread, where the batch divides so. Threads
 * inside operators wait for each other at every one of them: four brought a ResNet20 1.6 times the images of one.
 */
export function shardsOf(batch: number, threads: number): number {
  for (let shards = Math.min(threads, Math.floor(batch / LEAST)); shards > 1; shards--) {
    if (batch % shards === 0) return shards;
  }
  return 1;
}

/** Statistics of a part of the batch as those of the whole, which is what a sharded stepper gives. */
export const ofWholeBatch = (statistics: readonly BatchStatistics[], shards: number): BatchStatistics[] =>
  statistics.map((one) => ({ ...one, count: one.count * shards }));

/** Opens what takes batches forward and backward: this process, or one for each part. @throws {WaysideError} as either of them */
export const openSteppers = (
  plan: StepPlan,
  values: readonly Float32Array[],
  { shards, threads }: { readonly shards: number; readonly threads: number },
): Promise<Stepper> =>
  shards === 1
    ? openStepper(plan, values, threads)
    : openShardedStepper(plan, values, { shards, threads: Math.floor(threads / shards) });
