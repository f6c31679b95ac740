import { parentPort, workerData } from 'node:worker_threads';
import { type BatchPlan, batchMaker } from './batch-maker.ts';

/** A worker thread that makes batches while the main thread computes: `{epoch, step}` in, `{data, targets}` out. */
const make = batchMaker(workerData as BatchPlan);

parentPort?.on('message', ({ epoch, step }: { readonly epoch: number; readonly step: number }) => {
  const batch = make(epoch, step);
  parentPort?.postMessage(batch, [batch.data.buffer as ArrayBuffer, batch.targets.buffer as ArrayBuffer]);
});
