import type { ExecutionChoice } from '../../inference/hardware/execution.ts';
import { isFindingTask } from '../../inference/heads/any-head.ts';
import { WHOLE_FRAME } from '../../inference/image.ts';
import { Classifier } from './classifier.ts';
import { type FrameModel, openPackage } from './frame-model.ts';
import { ObjectFinder } from './object-finder.ts';

/** Runs before the first frame, so that this is not the slow one: allocations and page faults happen here. */
const WARM_UP_RUNS = 3;

/**
 * Loads the model of a package for its task, proven on this processor and warm.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID, SESSION_LOAD, GOLDEN_MISMATCH, PREPROCESS_MISMATCH, SESSION_RUN, MODEL_UNSUPPORTED
 */
export async function loadModel(dir: string, choice: ExecutionChoice): Promise<FrameModel> {
  const opened = await openPackage(dir, choice);
  const model = isFindingTask(opened.manifest.task) ? new ObjectFinder(opened) : new Classifier(opened);
  const [height, width] = opened.manifest.preprocessing.size;
  const grey = { width, height, data: new Uint8Array(width * height * 3).fill(128) };
  for (let run = 0; run < WARM_UP_RUNS; run++)
    await model.analyse(grey, { boxes: [WHOLE_FRAME], topK: 1, threshold: 0 });
  return model;
}
