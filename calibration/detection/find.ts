import type { RunOptions } from '../../core/progress.ts';
import type { Head } from '../../inference/heads/any-head.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import { createDetector } from '../../inference/heads/detector.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Session } from '../../inference/session.ts';
import type { Dataset } from '../dataset.ts';

/** Least score of a box that counts where two models are compared: what a person would draw. */
export const COMPARED_SCORE = 0.3;

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

export interface FoundImage {
  readonly id: string;
  readonly boxes: Detection[];
}

/**
 * The boxes that a detector finds in a data set, by falling score, one image at a time as a box looks at them.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED where the head does not fit, MODEL_NOT_FINITE, SESSION_RUN; AbortError when `signal` aborts
 */
export async function findIn(
  session: Session,
  dataset: Dataset,
  { head, preprocessing, indices, least = COMPARED_SCORE, stage, signal, onProgress }: FindOptions,
): Promise<FoundImage[]> {
  const detector = createDetector(session, head, preprocessing);
  const total = indices?.length ?? dataset.size;
  const found: FoundImage[] = [];
  for await (const { id, image } of dataset.samples(indices)) {
    signal?.throwIfAborted();
    const { detections } = await detector.detect(image);
    found.push({ id, boxes: detections.filter(({ score }) => score >= least) });
    if (stage !== undefined) onProgress?.({ stage, done: found.length, total });
  }
  return found;
}
