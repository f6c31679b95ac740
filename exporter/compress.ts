import type { Dataset } from '../calibration/dataset.ts';
import { spreadPositions } from '../calibration/datasets/positions.ts';
import { modelDigest } from '../calibration/table.ts';
import { WaysideError } from '../core/errors.ts';
import { recordGolden } from '../inference/golden.ts';
import type { RgbImage } from '../inference/image.ts';
import { writePackage } from '../inference/package.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import { RUNTIME_VERSION } from '../inference/runtime.ts';
import type { Session } from '../inference/session.ts';
import type { Model } from '../onnx/graph.ts';
import { encodeModel } from '../onnx/write.ts';
import { budgetMissed, budgetOutOfReach } from './budget.ts';
import { tableFor } from './calibration-table.ts';
import { requireFused, withOptimizedGraph, withPlanned } from './fusion.ts';
import { measure, measureModel } from './measure.ts';
import { notedClasses } from './model-notes.ts';
import { openAndMeasure } from './opened.ts';
import type { CompressOptions, CompressResult, ModelFigures } from './options.ts';
import { planAsJson } from './plan.ts';
import { type Data, packageName } from './prepare.ts';
import { type Produced, produce } from './produce.ts';
import { qatPlan } from './qat/plan.ts';
import { qatByPlan } from './qat/run.ts';
import { makeReport } from './report/report.ts';
import type { StageOutcome } from './slim/outcome.ts';
import { slimPlan } from './slim/plan.ts';
import { slimByOptions } from './slim/run.ts';
import { sizesOf } from './slim/slim.ts';
import { StageLog } from './stages.ts';
import { requireLearner } from './teacher.ts';
import { countDistinct } from './unique.ts';
import { floatLayers } from './widths.ts';

export type { CompressOptions, CompressResult } from './options.ts';

/**
 * Turns a float ONNX classifier into a model package: fold, prune, reconstruct and fine-tune where asked to, calibrate,
 * cluster, quantize, train with quantization simulated where asked to, check in ONNX Runtime that everything fused, measure
 * on the same pictures, write. Where it fails, no more is left behind than finished stages of pruning and training in
 * `OUT.work`, which the next run goes on from.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, MODEL_*, DATASET_INVALID, PREPROCESS_MISMATCH, CLUSTER_INVALID, PARITY_FAILED,
 *   FUSION_INCOMPLETE unless allowed, BUDGET_MISSED, OUTPUT_EXISTS, FILE_WRITE_FAILED; AbortError when `signal` aborts
 */
export async function compress(options: CompressOptions): Promise<CompressResult> {
  const stages = new StageLog();
  const before = await openAndMeasure(options, stages);
  const plan = options.plan ?? { ...slimPlan(options), ...qatPlan(options) };
  requireLearner([plan.finetune, plan.qat], options);
  const { model, folded, data, preprocessing, measuring } = before;
  const table = await tableFor(options, folded, data.train, preprocessing);
  const measureStage = async (bytes: Uint8Array, name: string) => {
    const { top1, latencyMs } = await measureModel(bytes, `evaluating after ${name}`, measuring);
    return { top1, latencyMs };
  };
  const slimmed = await stages.run('prune, reconstruct, fine-tune', () =>
    slimByOptions(folded, data, preprocessing, options, measureStage),
  );
  requireReach(options.budget, before.figures.top1, slimmed.stages.at(-1));
  const started = performance.now();
  const quantized = await produce(slimmed.model, data.train, preprocessing, { ...options, table }, stages, folded);
  const seconds = (performance.now() - started) / 1000;
  const qat = await qatByPlan(quantized, folded, data.train, preprocessing, options, stages);
  const { produced, untrained } = qat;
  const bytes = encodeModel(produced.model);
  return withOptimizedGraph(bytes, async (session, fusion) => {
    const fused = withPlanned(fusion, produced.model, floatLayers(produced.widths));
    if (options.allowFloat !== true) requireFused(fused);
    const { top1, top5, samples, latencyMs, answers } = await stages.run('measure the compressed model', () =>
      measure(session, bytes, 'evaluating compressed model', measuring),
    );
    await requireBudget(options.budget, 100 * (before.figures.top1 - top1), produced);
    const candidate = { top1, samples, bytes: bytes.byteLength, latencyMs };
    const { top5: baselineTop5, ...baseline } = before.figures;
    const distinct = countDistinct(model, produced.layers, produced.weights);
    const uniqueWeights = { before: distinct.original.perLayer, after: distinct.compressed.codes };
    const { budget } = produced;
    const sizes = sizesOf(slimmed.model);
    const last = { ...outcomeOf(candidate), ...sizes };
    const outcomes: StageOutcome[] = [
      { name: 'float', ...outcomeOf(baseline), ...sizesOf(folded), seconds: 0 },
      ...slimmed.stages,
      ...(untrained === undefined
        ? [{ name: 'quantize', ...last, seconds }]
        : [
            {
              name: 'quantize',
              ...(await measureStage(untrained, 'quantize')),
              bytes: untrained.byteLength,
              ...sizes,
              seconds,
            },
            { name: 'qat', ...last, seconds: qat.seconds },
          ]),
    ];
    const figures = { baseline, candidate, uniqueWeights, fused, stages: outcomes };
    const result = { package: options.out, ...figures, ...(budget && { budget }) };
    const golden = await stages.run('record golden samples', () =>
      recordGolden(session, preprocessing, pictures(data.test)),
    );
    const name = options.name ?? packageName(options.model);
    const manifest = manifestOf(session, data, preprocessing, options, produced, model);
    const reported = { name, result, produced, distinct, pruning: slimmed.pruning, labels: manifest.labels };
    const report = await makeReport(
      { ...reported, answers: { before: before.answers, after: answers } },
      { data, preprocessing, stages, options },
    );
    options.signal?.throwIfAborted();
    await writePackage(
      options.out,
      {
        manifest: {
          ...manifest,
          name,
          parentModel: modelDigest(model),
          measured: {
            data: data.test.name,
            baseline: { ...baseline, top5: baselineTop5 },
            candidate: { ...candidate, top5 },
          },
        },
        model: bytes,
        golden,
        report,
      },
      { replace: options.force === true },
    );
    await slimmed.clear();
    await qat.clear();
    return result;
  });
}

/** A difference of counts over thousands of pictures: half a millionth of a point is rounding, not an answer. */
const ROUNDING = 5e-7;

/** Said before minutes of work: no width wins back what pruning took. @throws {WaysideError} BUDGET_MISSED */
function requireReach(points: number | undefined, float: number, slimmed: StageOutcome | undefined): void {
  const lost = slimmed === undefined ? 0 : 100 * (float - slimmed.top1);
  if (points !== undefined && lost > points + ROUNDING) throw budgetOutOfReach(points, lost);
}

/** @throws {WaysideError} BUDGET_MISSED */
async function requireBudget(points: number | undefined, lost: number, { widths, damage }: Produced): Promise<void> {
  if (points === undefined || lost <= points + ROUNDING) return;
  throw budgetMissed(points, lost, widths, await damage());
}

const outcomeOf = ({ top1, bytes, latencyMs }: ModelFigures) => ({ top1, bytes, latencyMs });

/** Enough to find eight clear ones of different classes in. */
async function* pictures(test: Dataset): AsyncGenerator<RgbImage> {
  for await (const { image } of test.samples(spreadPositions(test.size, 32))) yield image;
}

function manifestOf(
  session: Session,
  { test }: Data,
  preprocessing: Preprocessing,
  { version = '1', threshold = 0.5, note = () => {} }: CompressOptions,
  { plan }: Produced,
  { metadata }: Model,
) {
  const { input, output } = session;
  const classes = output.shape.at(-1);
  const labels = test.classes ?? notedClasses(metadata, typeof classes === 'number' ? classes : undefined, note);
  if (typeof classes !== 'number' && labels === undefined) {
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `the model does not say how many classes ${output.name} has`,
    });
  }
  return {
    version,
    input: { name: input.name, shape: [...input.shape] },
    output: { name: output.name, classes: typeof classes === 'number' ? classes : (labels?.length ?? 1) },
    preprocessing,
    ...(labels === undefined ? {} : { labels: [...labels] }),
    thresholds: { score: threshold },
    minimumRuntime: RUNTIME_VERSION,
    target: plan.target,
    plan: planAsJson(plan),
  };
}
