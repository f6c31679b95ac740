import { forkModule } from '../../../core/child.ts';
import { lost } from './exchange.ts';
import type { ShardOrder, ShardTask } from './process.ts';

/** A process that takes one part of every batch. */
export interface Shard {
  /** Gives it its task. @throws {WaysideError} what it failed with; TRAINING_LOST when it is gone */
  begin(task: ShardTask): Promise<void>;
  /** The loss of its part. @throws {WaysideError} as `begin` */
  step(): Promise<number>;
  /** Takes the mean of its share of everybody's gradients. @throws {WaysideError} as `begin` */
  mean(): Promise<void>;
  end(): Promise<void>;
}

/** Starts a process, which ends with this one. */
export function startShard(): Shard {
  const { ask, end } = forkModule<ShardTask | ShardOrder, number | undefined>(
    'compression/training/data-parallel/process',
    { lost },
  );
  return {
    async begin(task) {
      await ask(task);
    },
    async step() {
      const loss = await ask('step');
      if (loss === undefined) throw lost('answered what it was not asked');
      return loss;
    },
    async mean() {
      await ask('mean');
    },
    end,
  };
}
