import { parentPort, workerData } from 'node:worker_threads';
import { createDetector } from '../../inference/heads/detector.ts';
import type { GridHead } from '../../inference/heads/grid.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { openSession } from '../../inference/session.ts';
import { countStreet, type LookedAtStreet } from './street-run.ts';

/** What a thread counts with. */
export interface StreetModel {
  readonly modelPath: string;
  readonly head: GridHead;
  readonly preprocessing: Preprocessing;
}

/** A thread that is told a street, and answers with what it counted there. */
const { modelPath, head, preprocessing } = workerData as StreetModel;
const detector = createDetector(await openSession(modelPath, { threads: 1 }), head, preprocessing);
parentPort?.on('message', async (street: LookedAtStreet) => {
  parentPort?.postMessage(await countStreet(detector, street));
});
