import type { Sample } from '../../calibration/dataset.ts';
import { WHOLE_FRAME } from '../../inference/image.ts';
import { createPreprocessor, inputLength, type Preprocessing } from '../../inference/preprocess.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import type { Detection } from './boxes.ts';
import { decodeYolox } from './yolox.ts';

/** Pixels of a side of YOLOX-Nano's input. */
export const YOLOX_INPUT = 416;

/** YOLOX since 0.1.1 takes the bytes of an image as they are, blue first. Frames come letterboxed: nothing is left to resize. */
export const YOLOX_PREPROCESSING: Preprocessing = {
  size: [YOLOX_INPUT, YOLOX_INPUT],
  resize: 'stretch',
  crop: 'none',
  mean: [0, 0, 0],
  std: [1 / 255, 1 / 255, 1 / 255],
  layout: 'NCHW',
  channels: 'BGR',
};

/** Least score of a box that counts. */
const LEAST_SCORE = 0.3;

/** Boxes of a YOLOX model for letterboxed frames, `[frames][boxes]`. @throws {WaysideError} SESSION_LOAD, SESSION_RUN */
export async function detectionsOf(model: string | Uint8Array, frames: readonly Sample[]): Promise<Detection[][]> {
  const session = await openSession(model, { threads: 1 });
  try {
    const preprocess = createPreprocessor(YOLOX_PREPROCESSING);
    const data = new Float32Array(inputLength(YOLOX_PREPROCESSING));
    const found: Detection[][] = [];
    for (const { image } of frames) {
      preprocess(image, WHOLE_FRAME, data, 0);
      const feeds = { [session.input.name]: floatTensor(data, [1, 3, YOLOX_INPUT, YOLOX_INPUT]) };
      const results = await session.run(feeds, { outputs: [session.output.name] });
      const output = floatsOf(results, session.output.name);
      found.push(decodeYolox(output, { side: YOLOX_INPUT, least: LEAST_SCORE }));
    }
    return found;
  } finally {
    await session.close();
  }
}
