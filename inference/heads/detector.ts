import { WaysideError } from '../../core/errors.ts';
import { type RgbImage, WHOLE_FRAME } from '../image.ts';
import { createPreprocessor, inputLength, type Preprocessing } from '../preprocess.ts';
import { floatsOf, floatTensor, type Session } from '../session.ts';
import { decodeHead, type Head, headClasses } from './any-head.ts';
import type { Detection } from './detection.ts';

/** A model that finds objects, with what is needed to ask it. */
export interface Detector {
  /** How many it knows. */
  readonly classes: number;
  readonly preprocessing: Preprocessing;
  /** Down to `LEAST_SCORE`, by falling score. */
  detect(image: RgbImage): Promise<Detected>;
}

interface Detected {
  readonly detections: Detection[];
  /** ms of getting the image ready, and of the model with reading its output. */
  readonly preprocessMs: number;
  readonly runMs: number;
}

/**
 * @param session stays the caller's, who closes it
 * @throws {WaysideError} MODEL_UNSUPPORTED where the head does not fit the output, PREPROCESS_MISMATCH
 */
export function createDetector(session: Session, head: Head, preprocessing: Preprocessing): Detector {
  const { input, output } = session;
  const classes = headClasses(output.shape, head, preprocessing.size);
  const preprocess = createPreprocessor(preprocessing);
  const data = new Float32Array(inputLength(preprocessing));
  const [height, width] = preprocessing.size;
  return {
    classes,
    preprocessing,
    async detect(image) {
      const start = performance.now();
      preprocess(image, WHOLE_FRAME, data, 0);
      const prepared = performance.now();
      const results = await session.run(
        { [input.name]: floatTensor(data, [1, 3, height, width]) },
        { outputs: [output.name] },
      );
      const values = floatsOf(results, output.name);
      if (!values.some(Number.isFinite))
        throw new WaysideError('MODEL_NOT_FINITE', {
          message: 'the detector answers with nothing but NaN or infinity',
        });
      const detections = decodeHead(values, head, { preprocessing, image });
      return { detections, preprocessMs: prepared - start, runMs: performance.now() - prepared };
    },
  };
}
