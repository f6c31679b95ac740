import { openSync } from 'node:fs';
import { join } from 'node:path';
import { answerParent } from '../../../core/child.ts';
import { elementCount } from '../../../onnx/tensor.ts';
import type { StepPlan } from '../step-plan.ts';
import { openStepper } from '../stepper.ts';
import { consecutive, floatsIn, GRADIENTS_FILE, readFloats, shardFile, WEIGHTS_FILE, writeFloats } from './exchange.ts';

/** What a process is told first. */
export interface ShardTask {
  /** Of a part of the batch. */
  readonly plan: StepPlan;
  /** Where the files of the exchange are. */
  readonly folder: string;
  readonly shard: number;
  readonly shards: number;
  readonly threads: number;
}

/** What it is told then: to take its images forward and backward; to take the mean of its share of everybody's gradients. */
export type ShardOrder = 'step' | 'mean';

/**
 * Takes its part of every batch forward and backward: whenever it is told so, it reads the weights and its images, writes
 * their gradients and statistics behind them, and answers with the loss.
 */
async function serve(task: ShardTask): Promise<(order: ShardOrder) => Promise<number | undefined>> {
  const { plan, folder, shard, shards, threads } = task;
  const weights = new Float32Array(floatsIn(plan.gradients));
  const lengths = plan.gradients.map(({ length }) => length); // parameters are as long as their gradients
  const values = consecutive(weights, lengths);
  const data = new Float32Array(elementCount(plan.image.dims));
  const targets = new Float32Array(elementCount(plan.targets.dims));
  const gradientsAt = data.length + targets.length;
  const weightsFile = openSync(join(folder, WEIGHTS_FILE), 'r');
  const meanFile = openSync(join(folder, GRADIENTS_FILE), 'r+');
  const files = Array.from({ length: shards }, (_, each) => openSync(join(folder, shardFile(each)), 'r+'));
  const file = files[shard]!;
  const share = Math.ceil(weights.length / shards);
  const from = Math.min(weights.length, shard * share);
  const mean = new Float32Array(Math.min(weights.length - from, share));
  const part = mean.slice();
  const stepper = await openStepper(plan, values, threads);
  return async (order) => {
    if (order === 'mean') {
      meanInto(mean, part, files, gradientsAt + from);
      writeFloats(meanFile, [mean], from);
      return undefined;
    }
    readFloats(weightsFile, weights);
    readFloats(file, data);
    readFloats(file, targets, data.length);
    const { loss, gradients, statistics } = await stepper.step(data, targets);
    writeFloats(file, [...gradients, ...statistics], gradientsAt);
    return loss;
  };
}

/** The mean of what each file holds at a position; `part` has room for one file's. */
function meanInto(mean: Float32Array, part: Float32Array, files: readonly number[], position: number): void {
  mean.fill(0);
  for (const file of files) {
    readFloats(file, part, position);
    for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! + part[i]!;
  }
  for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! / files.length;
}

// Started as a process of its own by `openShardedStepper`.
let follow: ((order: ShardOrder) => Promise<number | undefined>) | undefined;
answerParent(import.meta.url, async (told: ShardTask | ShardOrder) => {
  if (typeof told === 'string') return follow?.(told);
  follow = await serve(told);
  return undefined;
});
