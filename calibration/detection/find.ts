import type { RunOptions } from '../../core/progress.ts';
import type { Head } from '../../inference/heads/any-head.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import { createDetector } from '../../inference/heads/detector.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Session } from '../../inference/session.ts';
import type { Dataset } from '../dataset.ts';

/** Least score of a box that counts where two models are compared: what a person would draw. */
const COMPARED_SCORE = 0.3;

interface FindOptions extends RunOptions {
  readonly head: Head;
  readonly preprocessing: Preprocessing;
  /** Positions of the images. @default all */
  readonly indices?: readonly number[] | undefined;
  /** @default COMPARED_SCORE */
  readonly least?: number | undefined;
  /** Said to the progress listener. */
  readonly stage?: string | undefined;
}

/**
 * The boxes that a detector finds in a data set, `[images][boxes]`, one image at a time as a box looks at them.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED where the head does not fit, MODEL_NOT_FINITE, SESSION_RUN; AbortError when `signal` aborts
 */
export async function findIn(
  session: Session,
  dataset: Dataset,
  { head, preprocessing, indices, least = COMPARED_SCORE, stage, signal, onProgress }: FindOptions,
): Promise<Detection[][]> {
  const detector = createDetector(session, head, preprocessing);
  const total = indices?.length ?? dataset.size;
  const found: Detection[][] = [];
  for await (const { image } of dataset.samples(indices)) {
    signal?.throwIfAborted();
    const { detections } = await detector.detect(image);
    found.push(detections.filter(({ score }) => score >= least));
    if (stage !== undefined) onProgress?.({ stage, done: found.length, total });
  }
  return found;
}
