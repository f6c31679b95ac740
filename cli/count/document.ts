import { type ClassScheme, classScheme } from '../../daemon/vision/class-scheme.ts';
import { countIntervals } from '../../daemon/vision/intervals.ts';
import { type CountAccuracy, countAccuracy } from './accuracy.ts';
import type { CountConfig } from './config.ts';
import type { CountedVideo } from './count-video.ts';
import type { HandCrossing } from './hand-count.ts';

/** What `wayside count --json` prints. */
export interface CountDocument {
  readonly video: string;
  /** From the first frame to the last that was looked at. */
  readonly seconds: number;
  readonly frames: number;
  readonly intervalSeconds: number;
  readonly classes: readonly string[];
  readonly intervals: ReturnType<typeof countIntervals>;
  readonly crossings: readonly {
    readonly line: string;
    readonly direction: string;
    readonly class: string;
    readonly track: number;
    /** s since the first frame. */
    readonly t: number;
  }[];
  readonly warnings: readonly string[];
  /** Beside the hand count; null without one. */
  readonly accuracy: CountAccuracy | null;
}

/** Which classes are counted, with a warning for those that the model does not know. */
export function schemeFor(
  labels: readonly string[],
  asked: CountConfig['classes'],
): { readonly scheme: ClassScheme; readonly warnings: readonly string[] } {
  const { scheme, unknown } = classScheme(labels, asked);
  return { scheme, warnings: unknown.map((name) => `the model knows no class ${JSON.stringify(name)}`) };
}

export function countDocument(
  video: string,
  { crossings, frames, seconds, remarks }: CountedVideo,
  { intervalSeconds }: CountConfig,
  { classes }: ClassScheme,
  truth: readonly HandCrossing[] | undefined,
  warnings: readonly string[],
): CountDocument {
  const unknown = [...new Set(truth?.map((each) => each.class))].filter((name) => !classes.includes(name));
  return {
    video,
    seconds,
    frames,
    intervalSeconds,
    classes,
    intervals: countIntervals(crossings, { classes, intervalSeconds, seconds }),
    crossings: crossings.map(({ line, direction, classIndex, track, time }) => ({
      line,
      direction,
      class: classes[classIndex] ?? '',
      track,
      t: Math.round(time * 1000) / 1000,
    })),
    warnings: [
      ...warnings,
      ...unknown.map((name) => `the hand count has the class ${JSON.stringify(name)}, which is not counted`),
      ...remarks.map((text) => `decoder: ${text}`),
    ],
    accuracy: truth === undefined ? null : countAccuracy(crossings, truth, { classes, seconds }),
  };
}
