import type { RunContext } from '../../core/run/context.ts';
import type { CameraOptions, CameraStatus } from '../../daemon/camera/types.ts';
import type { Detector } from '../../inference/heads/detector.ts';
import { type Counted, type CountOptions, countFrames } from './count-frames.ts';
import { liveFrames } from './live-frames.ts';

interface CountedCamera extends Counted {
  /** When it was not seen, and why. */
  readonly remarks: readonly string[];
}

interface LiveCountOptions extends CountOptions {
  /** After the first frame; until the signal aborts without it. */
  readonly seconds?: number | undefined;
}

interface LiveContext extends Pick<RunContext, 'signal' | 'onProgress'> {
  /** Told at once what a camera says of itself. */
  readonly note: (text: string) => void;
}

/** Beyond so many remarks a camera repeats itself. */
const MOST_REMARKS = 20;

/**
 * Counts before a live camera, as the daemon sees it: the latest frame whenever the detector is free.
 *
 * @throws {WaysideError} what a camera says that never sends a frame; SESSION_RUN, MODEL_NOT_FINITE
 */
export async function countCamera(
  camera: CameraOptions,
  detector: Detector,
  { seconds, ...options }: LiveCountOptions,
  { note, ...context }: LiveContext,
): Promise<CountedCamera> {
  const remarks: string[] = [];
  let last: CameraStatus | undefined;
  const onStatus = (status: CameraStatus): void => {
    last = status;
    const { state, reason } = status;
    if (reason === undefined || state === 'stopped' || status.received === 0) return;
    const text = `camera ${state}: ${reason.message}`;
    if (remarks.at(-1) === text) return;
    if (remarks.length < MOST_REMARKS) remarks.push(text);
    note(text);
  };
  const frames = liveFrames(camera, { seconds, signal: context.signal, onStatus });
  const counted = await countFrames(frames, detector, options, context);
  const dropped = last?.dropped ?? 0;
  if (dropped > 0) remarks.push(`${dropped} frames came while the detector was at work and were not looked at`);
  return { ...counted, remarks };
}
