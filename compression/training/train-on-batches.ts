import { WaysideError } from '../../core/errors.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { Model } from '../../onnx/graph.ts';
import type { Loss } from '../autodiff/losses/loss.ts';
import type { Parameter } from '../autodiff/parameters.ts';
import { buildTrainingGraph } from '../autodiff/training-graph.ts';
import type { TrainingBatch } from './data/batch-maker.ts';
import { ofWholeBatch, openSteppers, shardsOf } from './data-parallel/shards.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import type { Schedule } from './optimizers/schedule.ts';
import { stepPlan } from './step-plan.ts';
import { updateRunning, weightsOf, withWeights } from './weights.ts';

interface TrainOnBatchesOptions extends RunOptions {
  readonly loss: Loss;
  /** Images a step. */
  readonly batch: number;
  readonly steps: number;
  /** Of step `step`: images `[batch, 3, H, W]`, and what the loss takes as its first input. */
  readonly batchAt: (step: number) => TrainingBatch;
  /** Highest learning rate. */
  readonly rate: number;
  readonly optimizer: (parameters: readonly Parameter[]) => Optimizer;
  readonly schedule: Schedule;
  /** Processors to compute on: a batch is divided where its parts stay large enough. @default 1 */
  readonly threads?: number;
}

/**
 * Trains any network on any targets, for a fixed number of steps: what is no classifier has no accuracy to choose an epoch by.
 *
 * @returns the model with its last weights
 * @throws {WaysideError} MODEL_UNSUPPORTED, TRAINING_DIVERGED, TRAINING_LOST, SESSION_RUN; AbortError on abort
 */
export async function trainOnBatches(model: Model, options: TrainOnBatchesOptions): Promise<Model> {
  const { loss, batch, steps, batchAt, rate, schedule, threads = 1, signal, onProgress } = options;
  const shards = shardsOf(batch, threads);
  const graph = buildTrainingGraph(model, { batch: batch / shards, loss });
  const weights = weightsOf(model, graph.parameters, ofWholeBatch(graph.statistics, shards));
  const optimizer = options.optimizer(graph.parameters);
  const stepper = await openSteppers(await stepPlan(graph, weights), weights.values, { shards, threads });
  let mean = Number.NaN;
  try {
    let next = batchAt(0);
    for (let step = 0; step < steps; step++) {
      signal?.throwIfAborted();
      const running = stepper.step(next.data, next.targets);
      if (step + 1 < steps) next = batchAt(step + 1);
      const result = await running;
      if (!Number.isFinite(result.loss))
        throw new WaysideError('TRAINING_DIVERGED', {
          message: `the loss is no longer finite in step ${step + 1}, at a rate of up to ${rate}`,
          hint: 'train with a lower rate',
        });
      optimizer.step(weights.values, result.gradients, rate * schedule.at(step / steps));
      updateRunning(weights, result.statistics);
      mean = Number.isNaN(mean) ? result.loss : 0.95 * mean + 0.05 * result.loss;
      onProgress?.({ stage: 'training', done: step + 1, total: steps, detail: `loss ${mean.toFixed(4)}` });
    }
  } finally {
    await stepper.close();
  }
  return withWeights(model, weights);
}
