import { openSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asWaysideError, type ErrorCode } from '../../../core/errors.ts';
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
  const values = consecutive(
    weights,
    plan.gradients.map(({ length }) => length),
  ); // as long as what they are the gradients of
  const [data, targets] = [plan.picture, plan.targets].map(
    ({ dims }) => new Float32Array(dims.reduce((product, size) => product * size, 1)),
  ) as [Float32Array, Float32Array];
  const gradientsAt = data.length + targets.length;
  const weightsFile = openSync(join(folder, WEIGHTS_FILE), 'r');
  const meanFile = openSync(join(folder, GRADIENTS_FILE), 'r+');
  const files = Array.from({ length: shards }, (_, each) => openSync(join(folder, shardFile(each)), 'r+'));
  const file = files[shard]!;
  const share = Math.ceil(weights.length / shards);
  const from = Math.min(weights.length, shard * share);
  const own = Array.from({ length: 2 }, () => new Float32Array(Math.min(weights.length - from, share))) as [
    Float32Array,
    Float32Array,
  ];
  const stepper = await openStepper(plan, values, threads);
  return async (order) => {
    if (order === 'mean') {
      writeFloats(meanFile, [meanOf(files, gradientsAt + from, own)], from);
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

/** Mean of what each file holds at a position, in the first of two arrays as long as that is. */
function meanOf(
  files: readonly number[],
  position: number,
  [sum, one]: readonly [Float32Array, Float32Array],
): Float32Array {
  sum.fill(0);
  for (const file of files) {
    readFloats(file, one, position);
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + one[i]!;
  }
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! / files.length;
  return sum;
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
