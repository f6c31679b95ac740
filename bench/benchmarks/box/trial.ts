import { join } from 'node:path';
import { wilson } from '../../../core/intervals.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { seededRandom } from '../../../core/random.ts';
import { median } from '../../../core/statistics.ts';
import { blockFrames } from '../../../deploy/trial/autocorrelation.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import { readPackage } from '../../../inference/read-package.ts';
import type { Benchmark, Figure, Limit } from '../../harness/benchmark.ts';
import { compressSqueezenet } from '../../harness/packages.ts';
import { BOXES, type ClipAnswers, clipAnswers, RATE } from '../../harness/trial/clip-answers.ts';
import { simulatedTrial, type TrialOutcome } from '../../harness/trial/outcome.ts';
import type { Fault, StreamShape } from '../../harness/trial/streams.ts';

const DEFAULT_PACKAGE = join(PACKAGE_ROOT, 'demo', 'package');
const TRIALS = 1000;
const LIMITS = trialLimits.parse({});
const LEAST_FRAMES = 100;
const MOST_FRAMES = 2000;
const SHARES = [0.5, 0.3, 0.15, 0.05];

/** Traffic that is as slow as the slowest of the clips, and models that err as often as the default package does. */
async function shapeOf(
  clips: readonly ClipAnswers[],
): Promise<{ readonly shape: StreamShape; readonly frames: number }> {
  const time = Math.max(...clips.map(({ autocorrelation }) => autocorrelation));
  const { manifest } = await readPackage(DEFAULT_PACKAGE);
  const right = manifest.measured?.candidate.top1;
  if (right === undefined) throw new Error('the default package does not say how often it is right');
  // A mistake is a class drawn anew, which may be the right one: sum of the squares of the shares.
  const unlike = 1 - SHARES.reduce((sum, share) => sum + share * share, 0);
  // Of geometric lengths with mean m, 1 + 2 sum (1 - 1/m)^k = 2 m - 1.
  const shape = { shares: SHARES, frames: (time + 1) / 2, error: (1 - right) / unlike, regions: BOXES.length };
  return { shape, frames: blockFrames(time, LEAST_FRAMES, MOST_FRAMES) };
}

function shareFigure(subject: string, measure: string, count: number, limit?: Limit): Figure {
  const { low, high } = wilson(count, TRIALS);
  const interval = { low: low * 100, high: high * 100 };
  return {
    subject,
    measure,
    value: (100 * count) / TRIALS,
    unit: '%',
    interval,
    ...(limit === undefined ? {} : { limit }),
  };
}

function outcomeFigures(subject: string, ends: readonly TrialOutcome[], frames: number, limits: Limits): Figure[] {
  const promoted = ends.filter(({ verdict }) => verdict.step === 'promote');
  const undecided = ends.filter(({ verdict }) => verdict.reason === 'TRIAL_INCONCLUSIVE');
  const found = ends.filter(({ verdict }) => verdict.step === 'roll-back' && verdict.reason !== 'TRIAL_INCONCLUSIVE');
  const minutes = (some: readonly TrialOutcome[]): number =>
    (median(some.map(({ blocks }) => blocks)) * frames) / RATE / 60;
  return [
    shareFigure(subject, 'promoted', promoted.length, limits.promoted),
    shareFigure(subject, 'rolled back', found.length, limits.rolledBack),
    shareFigure(subject, 'undecided', undecided.length),
    ...(promoted.length > 0 ? [{ subject, measure: 'until promoted', value: minutes(promoted), unit: 'min' }] : []),
    ...(found.length > 0 ? [{ subject, measure: 'until rolled back', value: minutes(found), unit: 'min' }] : []),
  ];
}

interface Limits {
  readonly promoted?: Limit;
  readonly rolledBack?: Limit;
}

const WORSE: Limits = { promoted: { atMost: 100 * LIMITS.falsePromotions } };
const CASES: readonly (readonly [subject: string, fault: Fault, limits: Limits])[] = [
  ['equal', {}, { rolledBack: { atMost: 100 * LIMITS.falseRollbacks } }],
  ['1 point of a class moved', { classShift: 0.01 }, {}],
  ['2 points', { classShift: 0.02 }, {}],
  ['3 points, the margin', { classShift: LIMITS.classShift.margin }, WORSE],
  ['5 points', { classShift: 0.05 }, WORSE],
  ['slower by the margin', { slower: 1 + LIMITS.slower.margin }, WORSE],
];

export const trial: Benchmark = {
  name: 'trial',
  title: 'A new model judged by traffic: false alarms, and how soon a worse one is found',
  method:
    `SqueezeNet in int8 answers three regions of each clip, ${RATE} frames a second: how long answers stay (autocorrelation time). ` +
    `Then ${TRIALS} trials a row of two models on made-up traffic that stays as long as in the slowest clip; each errs by itself, as often as the default package on its held-out scenes, for as long as a thing stays. ` +
    'Blocks are five autocorrelation times long, limits are the defaults. ' +
    'Minutes are medians, for one camera with three regions.',
  layout: 'grids',
  needs: ['shared-data', 'ffmpeg'],
  async run(place) {
    place.say('SqueezeNet');
    const { package: model } = await compressSqueezenet(place, 'squeezenet', '--rounding', 'nearest', '--limit', '20');
    const clips = await clipAnswers(model, place);
    const { shape, frames } = await shapeOf(clips);
    const random = seededRandom(1);
    const figures = CASES.flatMap(([subject, fault, limits]) => {
      place.say(subject);
      const ends = Array.from({ length: TRIALS }, () => simulatedTrial(shape, fault, frames, LIMITS, random));
      return outcomeFigures(subject, ends, frames, limits);
    });
    const ofClips = clips.flatMap(({ clip, ...answers }): Figure[] => [
      { subject: clip, measure: 'frames', value: answers.frames, unit: '' },
      { subject: clip, measure: 'autocorrelation time', value: answers.autocorrelation, unit: 'frames' },
    ]);
    const notes = [
      `a block is ${frames} frames, a trial at most ${LIMITS.mostBlocks} blocks; each model takes ${(100 * shape.error).toFixed(1)}% of what is shown for a class drawn anew`,
      'tolerated is a change of half a point of a class, a tenth of a point of failed frames, 10% of time; between what is tolerated and the margin either end is right',
    ];
    return { figures: [...ofClips, ...figures], notes };
  },
};
