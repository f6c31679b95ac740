import { Worker } from 'node:worker_threads';
import { compiledModule } from '../../../core/layout.ts';
import { type BatchPlan, stepsPerEpoch, type TrainingBatch } from './batch-maker.ts';

/** Batches asked for ahead of the one in use: one in the making, one ready. */
const AHEAD = 2;

/**
 * The batches of an epoch, made in another thread. Ends its thread when the last was taken or the loop is left.
 *
 * @param from the first step to give, for a training that goes on after an interruption
 */
export async function* batchesOfEpochs(
  plan: BatchPlan,
  {
    epochs,
    fromEpoch = 0,
    fromStep = 0,
  }: { readonly epochs: number; readonly fromEpoch?: number; readonly fromStep?: number },
): AsyncGenerator<TrainingBatch & { readonly epoch: number; readonly step: number }> {
  const worker = new Worker(compiledModule('compression/training/data/batch-worker'), { workerData: plan });
  const steps = stepsPerEpoch(plan);
  const waiting: { epoch: number; step: number; batch: Promise<TrainingBatch> }[] = [];
  // Not a race of each batch with one promise of failure: that promise would keep every batch that ever won against it.
  const inbox: { readonly resolve: (batch: TrainingBatch) => void; readonly reject: (error: Error) => void }[] = [];
  let failure: Error | undefined;
  worker.on('message', (batch: TrainingBatch) => inbox.shift()?.resolve(batch));
  worker.on('error', (error) => {
    failure = error;
    for (const { reject } of inbox.splice(0)) reject(error);
  });
  let next = fromEpoch * steps + fromStep;
  const ask = (): void => {
    if (next >= epochs * steps) return;
    const epoch = Math.floor(next / steps);
    const step = next % steps;
    next++;
    const batch = new Promise<TrainingBatch>((resolve, reject) => {
      if (failure === undefined) inbox.push({ resolve, reject });
      else reject(failure);
    });
    batch.catch(() => undefined); // told to whoever takes it, if anybody does
    waiting.push({ epoch, step, batch });
    worker.postMessage({ epoch, step });
  };
  try {
    for (let i = 0; i <= AHEAD; i++) ask();
    for (let current = waiting.shift(); current !== undefined; current = waiting.shift()) {
      const batch = await current.batch;
      ask();
      yield { ...batch, epoch: current.epoch, step: current.step };
    }
  } finally {
    await worker.terminate();
  }
}
