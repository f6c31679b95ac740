import type { Dataset } from '../../calibration/dataset.ts';
import { type Evaluation, evaluate, type Outcome } from '../../calibration/evaluate.ts';
import type { RunContext } from '../../core/run/context.ts';
import { latencyApart } from '../../inference/latency-apart.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { openSession, type Session } from '../../inference/session.ts';
import type { LabelledPredictions } from '../verify/class-changes.ts';

/** What models are measured on. */
export interface Measuring extends Pick<RunContext, 'signal' | 'onProgress'> {
  readonly test: Dataset;
  readonly preprocessing: Preprocessing;
  /** Images to use, spread evenly. @default all */
  readonly limit?: number | undefined;
  /** Of latency, milliseconds. @default that of `measureLatency` */
  readonly latencyBudgetMs?: number | undefined;
}

/** Accuracy, and what the model predicted for every image. */
interface Judgement extends Evaluation {
  readonly answers: LabelledPredictions;
}

export interface MeasuredModel extends Judgement {
  /** Median of one image on one thread, in a process of its own. */
  readonly latencyMs: number;
}

/** @throws {WaysideError} as `evaluate` */
export async function judge(
  session: Session,
  stage: string,
  { test, preprocessing, limit, signal, onProgress }: Measuring,
): Promise<Judgement> {
  const [labels, predicted]: [number[], number[]] = [[], []];
  const onOutcome = (outcome: Outcome): void => {
    labels.push(outcome.label);
    predicted.push(outcome.predicted);
  };
  const evaluation = await evaluate(session, test, {
    preprocessing,
    limit,
    stage,
    onOutcome,
    needsNumbers: true,
    signal,
    onProgress,
  });
  return { ...evaluation, answers: { labels, predicted } };
}

/**
 * Accuracy on the test images, and latency.
 *
 * @param model what the session was opened with: the path of a file, or its bytes
 * @throws {WaysideError} as `evaluate` and `latencyApart`
 */
export async function measure(
  session: Session,
  model: string | Uint8Array,
  stage: string,
  measuring: Measuring,
): Promise<MeasuredModel> {
  const judged = await judge(session, stage, measuring);
  const { preprocessing, signal, latencyBudgetMs: budgetMs } = measuring;
  return { ...judged, latencyMs: await latencyApart(model, preprocessing, { budgetMs, signal }) };
}

/** `measure` of a model that nobody has opened. */
export async function measureModel(
  model: string | Uint8Array,
  stage: string,
  measuring: Measuring,
): Promise<MeasuredModel> {
  const session = await openSession(model, { threads: 1 });
  try {
    return await measure(session, model, stage, measuring);
  } finally {
    await session.close();
  }
}
