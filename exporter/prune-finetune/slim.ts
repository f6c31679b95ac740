import { z } from 'zod';
import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import { measuredTypes } from '../../compression/pruning/measured-shapes.ts';
import { prunedBy } from '../../compression/pruning/prune.ts';
import { reconstruct } from '../../compression/pruning/reconstruct/reconstruct.ts';
import type { Teacher } from '../../compression/training/options.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { macsOf } from '../../onnx/cost.ts';
import { decodeModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { nonFiniteWeight } from '../../onnx/finite.ts';
import type { Model } from '../../onnx/graph.ts';
import { elementCount } from '../../onnx/tensor.ts';
import type { FinetunePlan, PrunePlan } from '../plan/prune-finetune.ts';
import type { SlimContext } from './context.ts';
import { finetuneBy } from './finetune-stage.ts';
import { PruneRecord, StageOutcome } from './outcome.ts';
import { pruneBy } from './prune-stage.ts';
import type { WorkFolder } from './work-folder.ts';

export interface Slimmed {
  readonly model: Model;
  readonly stages: readonly StageOutcome[];
  readonly pruning: PruneRecord | undefined;
}

export interface SlimRun extends SlimContext {
  readonly plan: { readonly prune?: PrunePlan | undefined; readonly finetune?: FinetunePlan | undefined };
  /** Whose answers fine-tuning learns. @default the original's */
  readonly teacher?: Teacher | undefined;
  /** Where stages are kept. Training has a place of its own: with other epochs, pruning stands. */
  readonly work: { readonly prune: WorkFolder; readonly finetune: WorkFolder };
  /** Accuracy and latency of what a stage made, on the test pictures. */
  readonly measure: (model: Uint8Array, stage: string) => Promise<Pick<StageOutcome, 'top1' | 'samples' | 'latencyMs'>>;
}

/** Multiplications and additions of one image, null where they cannot be counted, and numbers that were learnt. */
export async function sizesOf(
  model: Model,
  preprocessing: Pick<Preprocessing, 'size'>,
): Promise<Pick<StageOutcome, 'flops' | 'params'>> {
  const { graph } = model;
  const params = [...graph.initializers.values()].reduce(
    (sum, { dtype, dims }) => sum + (dtype === 'float32' ? elementCount(dims) : 0),
    0,
  );
  const macs = macsOf(graph, await measuredTypes(model, preprocessing));
  return { flops: macs === undefined ? null : 2 * macs, params };
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

const Nothing = z.null();

/**
 * Makes the float model smaller by the plan: prune, reconstruct, fine-tune. Each stage that has finished is kept in the work folder
 * and not computed again. What follows always reads a stage's *file*, so that a run that was interrupted goes on from the same bytes.
 */
export async function slim(original: Model, run: SlimRun): Promise<Slimmed> {
  const { prune, finetune } = run.plan;
  const stages: StageOutcome[] = [];
  const stage = async <T>(
    work: WorkFolder,
    name: string,
    schema: z.ZodType<T>,
    make: () => Promise<{ readonly model: Model; readonly record: T }>,
  ): Promise<{ readonly model: Model; readonly record: T }> => {
    const kept = await work.load(name, z.object({ outcome: StageOutcome, own: schema }));
    if (kept !== undefined) {
      stages.push(kept.record.outcome);
      return { model: decodeModel(kept.model), record: kept.record.own as T };
    }
    const started = performance.now();
    const { model, record } = await make();
    const seconds = (performance.now() - started) / 1000;
    requireFinite(model, name);
    const bytes = encodeModel(model);
    const measured = await run.measure(bytes, name);
    const outcome = {
      name,
      ...measured,
      bytes: bytes.byteLength,
      ...(await sizesOf(model, run.preprocessing)),
      seconds,
    };
    await work.save(name, bytes, { outcome, own: record });
    stages.push(outcome);
    return { model: decodeModel(bytes), record };
  };

  let model = original;
  let pruning: PruneRecord | undefined;
  if (prune !== undefined) {
    const pruned = await stage(run.work.prune, 'prune', PruneRecord, async () => {
      const { model, groups, sensitivity, removed } = await pruneBy(original, prune, run);
      const record = {
        groups: [...groups],
        sensitivity: sensitivity.map((each) => ({ ...each, points: [...each.points] })),
        removed: [...removed],
      };
      return { model, record };
    });
    model = pruned.model;
    pruning = pruned.record;
    if (prune.reconstruct) {
      const removed = new Set(pruning.removed);
      const rebuilt = await stage(run.work.prune, 'reconstruct', Nothing, async () => {
        const whole = prunedBy(original, analyzeChannels(original), removed);
        return { model: (await reconstruct(original, whole, run.train, run)).model, record: null };
      });
      model = rebuilt.model;
    }
  }
  if (finetune !== undefined) {
    const work = run.work.finetune;
    await work.open();
    const start = model;
    const tuned = await stage(work, 'finetune', Nothing, async () => ({
      model: await finetuneBy(
        start,
        run.teacher ?? { model: original },
        finetune,
        run,
        work.path('finetune.checkpoint'),
      ),
      record: null,
    }));
    model = tuned.model;
  }
  return { model, stages, pruning };
}
