import { WaysideError } from '../../core/errors.ts';
import { digestOfFile } from '../../core/hash.ts';
import type { RunContext } from '../../core/run/context.ts';
import type { ClassScheme } from '../../daemon/vision/class-scheme.ts';
import type { Detector } from '../../inference/heads/detector.ts';
import { countAccuracy } from '../count/accuracy.ts';
import { type CountConfig, readCountConfig } from '../count/config.ts';
import { countVideo } from '../count/count-video.ts';
import { type HandCrossing, readHandCount } from '../count/hand-count.ts';
import type { Passing } from '../count/volume-accuracy.ts';
import type { Clip } from './clips.ts';
import type { JudgedClip } from './steps.ts';
import type { Verdict } from './verdict.ts';

/** A clip before it is counted, its hand count read. */
interface ReadyClip extends Clip {
  readonly plan: Pick<CountConfig, 'lines' | 'zones' | 'movements' | 'calibration'>;
  /** Empty where all clips are of the lines of one configuration. */
  readonly view: string;
  readonly truth: readonly HandCrossing[];
}

/** A clip that was counted, with all that is said and drawn of it. */
export interface CountedClip extends JudgedClip {
  readonly record: Verdict['clips'][number];
  /** By hand, contested ones included, and by the detector. */
  readonly byHand: readonly Passing[];
  readonly counted: readonly Passing[];
}

/** Two lines whose ends are nearer to each other are the same, as drawn twice, in shares of the image. */
const SAME_LINE = 0.02;

/**
 * Reads what is needed before anything is counted: a slip in the tenth hand count is found at once.
 *
 * @param config whose lines hold for all clips; without any, each clip has its own
 * @throws {WaysideError} HAND_COUNT_INVALID, CONFIG_INVALID, FILE_NOT_FOUND
 */
export async function readyClip(clip: Clip, config: CountConfig | undefined): Promise<ReadyClip> {
  const shared = config !== undefined && config.lines.length > 0;
  if (!shared && clip.lines.length === 0)
    throw new WaysideError('HAND_COUNT_INVALID', {
      message: `${clip.handCount}: it draws no lines, and none are configured`,
      hint: 'add "lines" to the hand count, or name a configuration with lines: --config',
    });
  const plan = shared ? config : await readCountConfig(clip.handCount);
  if (shared) requireSameLines(clip, plan);
  const lines = plan.lines.map(({ id }) => id);
  return { ...clip, plan, view: shared ? '' : clip.name, truth: await readHandCount(clip.handCount, lines) };
}

/** A hand count at another line than is counted at would be compared in silence. */
function requireSameLines(clip: Clip, { lines }: Pick<CountConfig, 'lines'>): void {
  for (const { id, from, to } of clip.lines) {
    const line = lines.find((each) => each.id === id);
    if (line === undefined) continue; // `readHandCount` says so, if anything crossed it
    const ends = [...line.from, ...line.to].map((value, i) => Math.abs(value - ([...from, ...to][i] ?? Number.NaN)));
    if (ends.every((apart) => apart <= SAME_LINE)) continue;
    throw new WaysideError('HAND_COUNT_INVALID', {
      message: `${clip.handCount}: its line ${id} is drawn elsewhere than that of the configuration`,
      hint: 'count by hand at the lines of the configuration, or leave its lines out',
    });
  }
}

interface ClipCounting {
  readonly detector: Detector;
  readonly scheme: ClassScheme;
  readonly rate: number;
  readonly segmentSeconds: number;
}

/** @throws {WaysideError} DECODER_UNAVAILABLE, VIDEO_INVALID, SESSION_RUN, MODEL_NOT_FINITE */
export async function countClip(
  clip: ReadyClip,
  { detector, scheme, rate, segmentSeconds }: ClipCounting,
  context: Pick<RunContext, 'signal' | 'onProgress'>,
): Promise<CountedClip> {
  const { name, light, weather, window, view, truth, plan } = clip;
  const { crossings, frames, seconds, remarks } = await countVideo(
    clip.video,
    detector,
    { plan, scheme, rate },
    context,
  );
  const { classes } = scheme;
  const accuracy = countAccuracy(crossings, truth, { classes, seconds, segmentSeconds });
  const unknown = [...new Set(truth.map((each) => each.class))].filter((each) => !classes.includes(each));
  return {
    name,
    light,
    weather,
    view,
    seconds,
    accuracy,
    byHand: truth.map(({ line, direction, class: type, t }) => ({ line, direction, class: type, time: t ?? null })),
    counted: crossings.map(({ line, direction, classIndex, time }) => ({
      line,
      direction,
      class: classes[classIndex] ?? '',
      time,
    })),
    record: {
      name,
      video: await digestOfFile(clip.video),
      handCount: await digestOfFile(clip.handCount),
      light,
      weather,
      window,
      seconds,
      frames,
      truth: accuracy.truth,
      contested: accuracy.contested,
      counted: accuracy.counted,
      missed: accuracy.missed,
      false: accuracy.false,
      wrongClass: accuracy.wrongClass,
      missedCrossings: [...accuracy.missedCrossings],
      falseCrossings: [...accuracy.falseCrossings],
      warnings: [
        ...unknown.map((each) => `the hand count has the class ${JSON.stringify(each)}, which is not counted`),
        ...remarks.map((text) => `decoder: ${text}`),
      ],
    },
  };
}
