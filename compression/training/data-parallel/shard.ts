import { fork } from 'node:child_process';
import { WaysideError } from '../../../core/errors.ts';
import { compiledModule } from '../../../core/layout.ts';
import { lost } from './exchange.ts';
import type { ShardAnswer, ShardOrder, ShardTask } from './process.ts';

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

/** Starts a process, which answers every message with one, and ends with the channel to it: also where this process is killed. */
export function startShard(): Shard {
  const child = fork(compiledModule('compression/training/data-parallel/process'), {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  // Not a race of each answer with one promise of failure: that promise would keep every answer that ever won against it.
  let asked: { readonly resolve: (answer: ShardAnswer) => void; readonly reject: (error: Error) => void } | undefined;
  let gone: Error | undefined;
  const leave = (how: string): void => {
    gone ??= lost(how);
    asked?.reject(gone);
  };
  child.on('message', (answer: ShardAnswer) => asked?.resolve(answer));
  const exited = new Promise<void>((resolve) => {
    child.on('error', ({ message }) => {
      leave(`could not be reached: ${message}`);
      if (child.pid === undefined) resolve(); // it never began, and will not end
    });
    child.once('exit', (code, signal) => {
      leave(`ended by itself (${signal ?? code})`);
      resolve();
    });
  });
  const ask = async (message: ShardTask | ShardOrder): Promise<ShardAnswer> => {
    const answer = await new Promise<ShardAnswer>((resolve, reject) => {
      if (gone !== undefined) return reject(gone);
      asked = { resolve, reject };
      child.send(message, (error) => error && leave(`could not be reached: ${error.message}`));
    });
    if (!('error' in answer)) return answer;
    const { code, message: text, hint } = answer.error;
    throw new WaysideError(code, { message: text, ...(hint !== undefined && { hint }) });
  };
  return {
    async begin(task) {
      await ask(task);
    },
    async step() {
      const answer = await ask('step');
      if ('loss' in answer) return answer.loss;
      throw lost('answered what it was not asked');
    },
    async mean() {
      await ask('mean');
    },
    async end() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
