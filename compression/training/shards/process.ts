import { openSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asWaysideError, type ErrorCode } from '../../../core/errors.ts';
import type { StepPlan } from '../step-plan.ts';
import { openStepper } from '../stepper.ts';
import { consecutive, floatsIn, readFloats, shardFile, WEIGHTS_FILE, writeFloats } from './exchange.ts';

/** What a process is told first. */
export interface ShardTask {
  /** Of a part of the batch. */
  readonly plan: StepPlan;
  /** Where the files of the exchange are. */
  readonly folder: string;
  readonly shard: number;
  readonly threads: number;
}

export type ShardAnswer =
  | { readonly ready: true }
  | { readonly loss: number }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined } };

/**
 * Takes its part of every batch forward and backward: whenever it is told so, it reads the weights and its pictures, and writes
 * their gradients and statistics behind them.
 */
async function serve({ plan, folder, shard, threads }: ShardTask): Promise<() => Promise<number>> {
  const weights = new Float32Array(floatsIn(plan.gradients));
  const values = consecutive(
    weights,
    plan.gradients.map(({ length }) => length),
  ); // as long as what they are the gradients of
  const [data, targets] = [plan.picture, plan.targets].map(
    ({ dims }) => new Float32Array(dims.reduce((product, size) => product * size, 1)),
  ) as [Float32Array, Float32Array];
  const weightsFile = openSync(join(folder, WEIGHTS_FILE), 'r');
  const file = openSync(join(folder, shardFile(shard)), 'r+');
  const stepper = await openStepper(plan, values, threads);
  return async () => {
    readFloats(weightsFile, weights);
    readFloats(file, data);
    readFloats(file, targets, data.length);
    const { loss, gradients, statistics } = await stepper.step(data, targets);
    writeFloats(file, [...gradients, ...statistics], data.length + targets.length);
    return loss;
  };
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
    serve(task).then((step) => {
      process.on('message', () => {
        step().then((loss) => answer({ loss }), fail);
      });
      answer({ ready: true });
    }, fail);
  });
}
