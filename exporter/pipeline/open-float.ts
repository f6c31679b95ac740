import type { RunContext } from '../../core/run/context.ts';
import { openModel } from '../../inference/package.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { describeOutputs, openSession, type Session } from '../../inference/session.ts';
import type { PlanOutline } from '../plan/plan.ts';
import { type FloatSource, readFloat } from '../reading/float-source.ts';
import type { LabelledPredictions } from '../verify/class-changes.ts';
import { nearChance } from '../verify/doubts.ts';
import { requireParity } from '../verify/parity.ts';
import { probeNormalization } from '../verify/probe-normalization.ts';
import { requireScores } from '../verify/require-scores.ts';
import { judge, type Measuring, measure } from './measure.ts';
import { type Data, openData, preprocessingOf } from './prepare.ts';
import type { ModelFigures } from './results.ts';
import type { SourceOptions } from './source.ts';

/** A float model, proven to be the same when folded, and the images for it. */
export interface OpenedModel extends FloatSource {
  readonly data: Data;
  readonly preprocessing: Preprocessing;
  readonly measuring: Measuring;
}

/** The same, measured on the images that stages are judged by. */
export interface MeasuredSource extends OpenedModel {
  readonly figures: ModelFigures & { readonly top5: number };
  readonly answers: LabelledPredictions;
  /** What makes one doubt the float model's figures, said on the way. */
  readonly warnings: readonly string[];
}

/**
 * @throws {WaysideError} FILE_NOT_FOUND, MODEL_*, DATASET_INVALID, PREPROCESS_MISMATCH, PARITY_FAILED; AbortError when `signal`
 *   aborts
 */
export const openFloat = (options: SourceOptions, plan: PlanOutline, context: RunContext): Promise<OpenedModel> =>
  open(options, plan, context, undefined, (_, opened) => Promise.resolve(opened));

/**
 * @param admit throws for a model that the command can do nothing with: before anything is measured
 * @throws {WaysideError} as `openFloat` and `measure`
 */
export const openAndMeasure = (
  options: SourceOptions,
  plan: PlanOutline,
  context: RunContext,
  admit?: (source: FloatSource) => Promise<void>,
): Promise<MeasuredSource> =>
  open(options, plan, context, admit, async (session, opened) => {
    const { top1, top5, samples, latencyMs, answers } = await context.log.run('measure the float model', () =>
      measure(session, opened.original, 'evaluating float model', opened.measuring),
    );
    const { bytes } = await openModel(options.model);
    const warnings = await doubtsOf(session, opened, { top1, answers }, context);
    return { ...opened, warnings, answers, figures: { top1, top5, samples, latencyMs, bytes } };
  });

/**
 * Figures of the float model on the test images: known already where stages are judged by those.
 *
 * @throws {WaysideError} as `measure`
 */
export async function figuresOnTest(
  { original, data, measuring, figures, answers }: MeasuredSource,
  { log }: RunContext,
): Promise<Pick<MeasuredSource, 'figures' | 'answers'>> {
  if (data.validation === undefined) return { figures, answers };
  const session = await openSession(original, { threads: 1 });
  try {
    const onTest = await log.run('measure the float model on the test images', () =>
      judge(session, 'evaluating float model', { ...measuring, test: data.test }),
    );
    const { top1, top5, samples } = onTest;
    return { figures: { ...figures, top1, top5, samples }, answers: onTest.answers };
  } finally {
    await session.close();
  }
}

/** Why the float model's accuracy may say nothing of it: fed wrongly, or no better than guessing. */
async function doubtsOf(
  session: Session,
  { measuring, preprocessing, wantsBytes }: OpenedModel,
  { top1, answers }: { readonly top1: number; readonly answers: LabelledPredictions },
  { signal, log }: RunContext,
): Promise<readonly string[]> {
  const better = wantsBytes
    ? undefined
    : await log.run('try other normalisations', () =>
        probeNormalization(session, measuring.test, preprocessing, top1, signal),
      );
  const found = [nearChance(answers), better].filter((text) => text !== undefined);
  for (const text of found) log.note(`warning: ${text}`);
  return found;
}

async function open<T>(
  options: SourceOptions,
  plan: PlanOutline,
  context: RunContext,
  admit: ((source: FloatSource) => Promise<void>) | undefined,
  use: (session: Session, opened: OpenedModel) => Promise<T>,
): Promise<T> {
  const { signal, onProgress, log } = context;
  const { note } = log;
  const source = await readFloat(options.model, log, { signal, note, output: options.output });
  const { model, folded, original, wantsBytes } = source;
  requireScores(model, model.graph.outputs[0]?.name);
  await admit?.(source);
  const data = await openData(options, plan);
  const session = await openSession(original, { threads: 1 });
  noteOutputs(session, note);
  try {
    const preprocessing = preprocessingOf(session.input, { ...options, note }, wantsBytes, model.metadata);
    await log.run('prove the folded model', () => requireParity(session, folded, preprocessing));
    const test = data.validation ?? data.test;
    const { limit, latencyBudgetMs } = options;
    const measuring = { test, preprocessing, limit, latencyBudgetMs, signal, onProgress };
    return await use(session, { ...source, data, preprocessing, measuring });
  } finally {
    await session.close();
  }
}

function noteOutputs({ outputs }: Session, note: (text: string) => void): void {
  const [first, ...others] = outputs;
  if (others.length === 0) return;
  note(
    `note: ${outputs.length} outputs: ${describeOutputs(outputs)}; ${first?.name} is taken for the scores and the others stay, unless --output names one`,
  );
}
