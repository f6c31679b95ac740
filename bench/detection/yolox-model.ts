import type { Sample } from '../../calibration/dataset.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import { createDetector } from '../../inference/heads/detector.ts';
import { HEADS } from '../../inference/heads/head.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { openSession } from '../../inference/session.ts';

/** Pixels of a side of YOLOX-Nano's input. */
export const YOLOX_INPUT = 416;

/** Frames come letterboxed: nothing is left to resize. */
export const YOLOX_PREPROCESSING: Preprocessing = {
  ...HEADS.yolox.preprocessing,
  size: [YOLOX_INPUT, YOLOX_INPUT],
  resize: 'stretch',
  layout: 'NCHW',
};

/** Least score of a box that counts. */
const LEAST_SCORE = 0.3;

/** Boxes of a YOLOX model for letterboxed frames, `[frames][boxes]`. @throws {WaysideError} SESSION_LOAD, SESSION_RUN */
export async function detectionsOf(model: string | Uint8Array, frames: readonly Sample[]): Promise<Detection[][]> {
  const session = await openSession(model, { threads: 1 });
  try {
    const detector = createDetector(session, HEADS.yolox.head, YOLOX_PREPROCESSING);
    const found: Detection[][] = [];
    for (const { image } of frames)
      found.push((await detector.detect(image)).detections.filter(({ score }) => score >= LEAST_SCORE));
    return found;
  } finally {
    await session.close();
  }
}
