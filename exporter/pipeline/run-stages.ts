import { z } from 'zod';
import { modelDigest } from '../../calibration/table.ts';
import { WaysideError } from '../../core/errors.ts';
import { VERSION } from '../../core/layout.ts';
import { decodeModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { nonFiniteWeight } from '../../onnx/finite.ts';
import type { Model } from '../../onnx/graph.ts';
import { PruneRecord, StageOutcome } from '../prune-finetune/outcome.ts';
import { WorkFolder } from '../prune-finetune/work-folder.ts';
import { type MeasuredModel, measureModel } from './measure.ts';
import { sizesOf } from './sizes.ts';
import type { FlowContext, FlowState, PlannedStage } from './stage.ts';

/** What a finished stage leaves beside its model. */
const StageRecord = z.object({ outcome: StageOutcome, pruning: PruneRecord.optional() });

export interface FlowResult extends FlowState {
  /** The file of the last model, and what it was measured to do; undefined where it had been kept from an earlier run. */
  readonly last: { readonly bytes: Uint8Array; readonly measured: MeasuredModel } | undefined;
  /** Removes what was kept for the case of an interruption. */
  readonly clear: () => Promise<void>;
}

/**
 * Runs stages one after another: takes their time, measures what each leaves, and keeps float models that are finished in `OUT.work`.
 * What follows always reads a stage's *file*, so that a run that was interrupted goes on from the same bytes.
 *
 * A stage is kept under the digest of everything that decides it: with other epochs of fine-tuning, pruning stands.
 *
 * @throws {WaysideError} what the stages throw; PASS_FAILED for values that are not finite
 */
export async function runStages(
  stages: readonly PlannedStage[],
  start: FlowState,
  context: FlowContext,
): Promise<FlowResult> {
  const { log, opened, out } = context;
  let state = start;
  let last: FlowResult['last'];
  let key = await startingKey(context);
  for (const stage of stages) {
    const { name, makes, plan } = stage;
    key = [...key, name, plan, makes === 'int8' ? context.limits : null];
    const work = new WorkFolder(out, key);
    const kept = makes === 'float' ? await work.load(name, StageRecord) : undefined;
    if (kept !== undefined) {
      const { outcome, pruning = state.pruning } = kept.record;
      state = { ...state, model: decodeModel(kept.model), pruning, outcomes: [...state.outcomes, outcome] };
      last = undefined;
      continue;
    }
    const before = state;
    const started = performance.now();
    const made = await log.run(name, () => stage.run(before, { ...context, work }));
    const seconds = (performance.now() - started) / 1000;
    const model = modelOf(made, stage);
    if (makes === 'float') requireFinite(model, name);
    const bytes = encodeModel(model);
    const named = (stage === stages.at(-1) && context.makes) || `after ${name}`;
    const measured = await log.run(`measure after ${name}`, () =>
      measureModel(bytes, `evaluating ${named}`, opened.measuring),
    );
    const outcome = {
      name,
      top1: measured.top1,
      samples: measured.samples,
      bytes: bytes.byteLength,
      latencyMs: measured.latencyMs,
      ...(await sizesAfter(stage, made, context)),
      seconds,
    };
    last = { bytes, measured };
    state = { ...made, outcomes: [...state.outcomes, outcome] };
    if (makes === 'int8') continue;
    await work.save(name, bytes, { outcome, pruning: state.pruning });
    state = { ...state, model: decodeModel(bytes) };
  }
  return { ...state, last, clear: () => new WorkFolder(out, key).remove() };
}

/** Everything besides the plan that decides what stages leave. */
async function startingKey({
  opened,
  original = opened.folded,
  seed,
  threads,
}: FlowContext): Promise<readonly unknown[]> {
  const { folded, data, preprocessing, measuring } = opened;
  const sets = [data.train, data.test, ...(data.validation === undefined ? [] : [data.validation])];
  const digests = await Promise.all(sets.map((set) => set.digest()));
  const models = [folded, ...(original === folded ? [] : [original])].map(modelDigest);
  return [VERSION, models, digests, measuring.limit ?? null, preprocessing, seed, threads];
}

function modelOf({ model, quantized }: FlowState, { name, makes }: PlannedStage): Model {
  if (makes === 'float') return model;
  if (quantized !== undefined) return quantized.model;
  throw new WaysideError('INTERNAL', { message: `stage ${name} made no int8 model` });
}

/** An int8 model's operations are those of the float model it was made of. */
async function sizesAfter(
  { resizes }: PlannedStage,
  { model, outcomes }: FlowState,
  { opened: { preprocessing } }: FlowContext,
): Promise<Pick<StageOutcome, 'flops' | 'params'>> {
  const before = outcomes.at(-1);
  if (resizes || before === undefined) return sizesOf(model, preprocessing);
  return { flops: before.flops, params: before.params };
}

/** @throws {WaysideError} PASS_FAILED */
function requireFinite({ graph }: Model, stage: string): void {
  const name = nonFiniteWeight(graph)?.tensor;
  if (name === undefined) return;
  throw new WaysideError('PASS_FAILED', {
    message: `stage ${stage} left values in ${name} that are not finite; nothing was written`,
    hint: 'this is a fault in Wayside: report it with the model',
  });
}
