import type { RunContext } from '../../core/run/context.ts';
import { videoFileFrames } from '../../daemon/camera/video-file.ts';
import type { Detector } from '../../inference/heads/detector.ts';
import { type Counted, type CountOptions, countFrames } from './count-frames.ts';
import { workingSizeFor } from './working-size.ts';

interface CountedVideo extends Counted {
  /** What the decoder said of damage. */
  readonly remarks: readonly string[];
}

/** Beyond so many remarks the decoder repeats itself. */
const MOST_REMARKS = 20;

/**
 * Counts in a video file, of which no frame is dropped.
 *
 * @param rate frames a second, 0 for all
 * @throws {WaysideError} DECODER_UNAVAILABLE, VIDEO_INVALID, SESSION_RUN, MODEL_NOT_FINITE
 */
export async function countVideo(
  path: string,
  detector: Detector,
  { rate, ...options }: CountOptions & { readonly rate: number },
  context: Pick<RunContext, 'signal' | 'onProgress'>,
): Promise<CountedVideo> {
  const remarks = new Set<string>();
  const onRemark = (text: string): void => {
    if (remarks.size < MOST_REMARKS) remarks.add(text);
  };
  const workingSize = workingSizeFor(detector.preprocessing);
  const frames = videoFileFrames(path, { rate, workingSize, signal: context.signal, onRemark });
  const counted = await countFrames(frames, detector, options, context);
  if (counted.steppedBack > 0) onRemark(`${counted.steppedBack} frames came after later ones and were left out`);
  return { ...counted, remarks: [...remarks] };
}
