import type { RunContext } from '../../core/run/context.ts';
import { videoFileFrames } from '../../daemon/camera/video-file.ts';
import type { ClassScheme } from '../../daemon/vision/class-scheme.ts';
import type { Crossing, Line } from '../../daemon/vision/line-counter.ts';
import { Traffic } from '../../daemon/vision/traffic.ts';
import type { Detector } from '../../inference/heads/detector.ts';

export interface CountedVideo {
  /** By time; the class is the one with most score over all that was seen of the object. */
  readonly crossings: readonly Crossing[];
  /** Frames looked at. */
  readonly frames: number;
  /** From the first frame to the last that was looked at. */
  readonly seconds: number;
  /** What the decoder said of damage. */
  readonly remarks: readonly string[];
}

interface CountOptions {
  readonly lines: readonly Line[];
  readonly scheme: ClassScheme;
  /** Frames a second, 0 for all. */
  readonly rate: number;
}

/** Beyond so many remarks the decoder repeats itself. */
const MOST_REMARKS = 20;

/**
 * Counts what crosses lines in a video file: detector, tracker, lines.
 *
 * @throws {WaysideError} DECODER_UNAVAILABLE, VIDEO_INVALID, SESSION_RUN, MODEL_NOT_FINITE
 */
export async function countVideo(
  path: string,
  detector: Detector,
  { lines, scheme, rate }: CountOptions,
  { signal, onProgress }: Pick<RunContext, 'signal' | 'onProgress'>,
): Promise<CountedVideo> {
  const [height, width] = detector.preprocessing.size;
  const { resize } = detector.preprocessing;
  const workingSize = resize !== 'stretch' && 'letterbox' in resize ? ({ inside: [width, height] } as const) : 'native';
  const crossings: Crossing[] = [];
  const classes = new Map<number, number>();
  const remarks = new Set<string>();
  let traffic: Traffic | undefined;
  let [frames, last] = [0, Number.NEGATIVE_INFINITY];
  const onRemark = (text: string): void => {
    if (remarks.size < MOST_REMARKS) remarks.add(text);
  };
  for await (const { image, time } of videoFileFrames(path, { rate, workingSize, signal, onRemark })) {
    if (time <= last) {
      onRemark(`a frame at ${time.toFixed(3)} s came after one at ${last.toFixed(3)} s and was left out`);
      continue;
    }
    last = time;
    traffic ??= new Traffic({ lines }, scheme, image.width / image.height);
    const seen = traffic.update((await detector.detect(image)).detections, time);
    crossings.push(...seen.crossings);
    for (const { id, classIndex } of seen.objects) classes.set(id, classIndex);
    frames++;
    onProgress({
      stage: 'counting',
      done: frames,
      detail: `${time.toFixed(1)} s of video, ${crossings.length} crossings`,
    });
  }
  return {
    crossings: crossings
      .map((each) => ({ ...each, classIndex: classes.get(each.track) ?? each.classIndex }))
      .sort((a, b) => a.time - b.time),
    frames,
    seconds: Math.max(0, last),
    remarks: [...remarks],
  };
}
