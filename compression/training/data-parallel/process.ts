import { openSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asWaysideError, type ErrorCode } from '../../../core/errors.ts';
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

/** What it is told then: to take its pictures forward and backward; to take the mean of its share of everybody's gradients. */
export type ShardOrder = 'step' | 'mean';

export type ShardAnswer =
  | { readonly done: true }
  | { readonly loss: number }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined } };

/**
 * Takes its part of every batch forward and backward: whenever it is told so, it reads the weights and its pictures, and writes
 * their gradients and statistics behind them.
 */
async function serve(task: ShardTask): Promise<(order: ShardOrder) => Promise<ShardAnswer>> {
  const { plan, folder, shard, shards, threads } = task;
  const weights = new Float32Array(floatsIn(plan.gradients));
  const lengths = plan.gradients.map(({ length }) => length); // parameters are as long as their gradients
  const values = consecutive(weights, lengths);
  const data = new Float32Array(elementCount(plan.picture.dims));
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
      return { done: true };
    }
    readFloats(weightsFile, weights);
    readFloats(file, data);
    readFloats(file, targets, data.length);
    const { loss, gradients, statistics } = await stepper.step(data, targets);
    writeFloats(file, [...gradients, ...statistics], gradientsAt);
    return { loss };
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

// Started as a process of its own by `openShardedStepper`, which ends it, also where a terminal interrupts both.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.once('disconnect', () => process.exit());
  const answer = (given: ShardAnswer): void => {
    if (process.connected) process.send?.(given, (error: Error | null) => error && process.exit()); // nobody waits any more
  };
  const fail = (thrown: unknown): void => {
    const { code, message, hint } = asWaysideError(thrown);
    answer({ error: { code, message, hint } });
  };
  process.once('message', (task: ShardTask) => {
    serve(task).then((follow) => {
      process.on('message', (order: ShardOrder) => {
        follow(order).then(answer, fail);
      });
      answer({ done: true });
    }, fail);
  });
}
