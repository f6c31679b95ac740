import type { Dataset } from '../../calibration/dataset.ts';
import { spreadPositions } from '../../calibration/datasets/positions.ts';
import { modelDigest } from '../../calibration/table.ts';
import { WaysideError } from '../../core/errors.ts';
import { type RunContext, runContext } from '../../core/run/context.ts';
import { recordGolden } from '../../inference/golden.ts';
import type { RgbImage } from '../../inference/image.ts';
import { writePackage } from '../../inference/package.ts';
import { SBOM } from '../../inference/read-package.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import { openSession, type Session } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { tableFor } from '../pipeline/calibration-table.ts';
import { judge } from '../pipeline/measure.ts';
import { figuresOnTest, type MeasuredSource, openAndMeasure } from '../pipeline/open-float.ts';
import { packageName } from '../pipeline/prepare.ts';
import type { QuantizedModel } from '../pipeline/quantize-by-plan.ts';
import type { CompressResult } from '../pipeline/results.ts';
import { type FlowResult, runStages } from '../pipeline/run-stages.ts';
import { floatOutcome } from '../pipeline/sizes.ts';
import { stagesOf } from '../pipeline/stages/index.ts';
import { planAsJson } from '../plan/plan.ts';
import { planOf } from '../plan/plan-of.ts';
import { notedClasses } from '../reading/model-notes.ts';
import { makeReport } from '../report/report.ts';
import { budgetMissed, overBudget } from '../search/budget.ts';
import { meanBits } from '../search/price-of-bits.ts';
import { accuracyChange } from '../verify/class-changes.ts';
import { countDistinct } from '../verify/distinct-weights.ts';
import { farFromFloat, longerThanAsked } from '../verify/doubts.ts';
import { requireQuantizable } from '../verify/unquantized.ts';
import type { CompressOptions } from './options.ts';

export type { CompressResult } from '../pipeline/results.ts';
export type { CompressOptions } from './options.ts';

/**
 * Turns a float ONNX classifier into a model package: fold, prune, reconstruct and fine-tune where asked to, calibrate,
 * cluster, quantize, train with quantization simulated where asked to, check in ONNX Runtime that everything fused, measure
 * on the same images, write. Where it fails, no more is left behind than finished stages of pruning and training in
 * `OUT.work`, which the next run goes on from.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, MODEL_*, DATASET_INVALID, PREPROCESS_MISMATCH, CLUSTER_INVALID, PARITY_FAILED,
 *   FUSION_INCOMPLETE and LAYERS_NOISY unless allowed, BUDGET_MISSED, OUTPUT_EXISTS, FILE_WRITE_FAILED; AbortError when `signal` aborts
 */
export async function compress(options: CompressOptions): Promise<CompressResult> {
  const plan = planOf(options);
  const context = runContext(options);
  const { allowFloat, out, teacher, budget, tolerance, allowNoisyLayers } = options;
  const { signal, log } = context;
  const opened = await openAndMeasure(options, plan, context, ({ folded }) =>
    requireQuantizable(folded, { allowFloat, signal, note: log.note }),
  );
  const { folded, data, preprocessing } = opened;
  const table = await tableFor(options.calibrationTable, plan, folded, data.train, preprocessing);
  const limits = { budget, tolerance, allowFloat, allowNoisyLayers };
  const flow = await runStages(
    stagesOf(plan),
    { model: folded, outcomes: [await floatOutcome(opened)] },
    { ...context, opened, seed: plan.seed, limits, teacher, table, out, makes: 'compressed model' },
  );
  const result = await written(flow, opened, options, context);
  await flow.clear();
  return result;
}

/** Measures what the stages have made on the test images, and writes it. */
async function written(
  { last, quantized, verified, outcomes, pruning }: FlowResult,
  opened: MeasuredSource,
  options: CompressOptions,
  context: RunContext,
): Promise<CompressResult> {
  const { log, signal } = context;
  if (last === undefined || quantized === undefined || verified === undefined) {
    throw new WaysideError('INTERNAL', { message: 'the stages left no int8 model' });
  }
  const { data, preprocessing, measuring, model } = opened;
  const { bytes, measured } = last;
  const float = await figuresOnTest(opened, context);
  const session = await openSession(bytes, { threads: 1 });
  try {
    const onTest =
      data.validation === undefined
        ? measured
        : await log.run('measure the compressed model on the test images', () =>
            judge(session, 'evaluating compressed model', { ...measuring, test: data.test }),
          );
    const { top1, top5, samples, answers } = onTest;
    await requireBudget(options.budget, 100 * (float.figures.top1 - top1), quantized);
    const distinct = countDistinct(await opened.stored(), quantized.layers, quantized.weights);
    const far = farFromFloat(float.answers, answers);
    if (far !== undefined) log.note(`warning: ${far}`);
    const bitsPerWeight = meanBits(quantized.weights.values());
    const long = longerThanAsked(bitsPerWeight, quantized.plan.bitsPerWeight);
    if (long !== undefined) log.note(`warning: ${long}`);
    const { top5: baselineTop5, ...baseline } = float.figures;
    const { budget } = quantized;
    const overTheAir = await options.overTheAir?.(bytes);
    const candidate = { top1, samples, bytes: bytes.byteLength, latencyMs: measured.latencyMs };
    const result = {
      package: options.out,
      ...{ baseline, candidate, change: accuracyChange(float.answers, answers) },
      uniqueWeights: { before: distinct.original.perLayer, after: distinct.compressed.codes },
      bitsPerWeight,
      ...{ fused: verified.fused, noisy: verified.noisy, stages: outcomes },
      notes: opened.notes,
      warnings: [...opened.warnings, ...[far, long].filter((text) => text !== undefined)],
      ...(data.validation && {
        validation: { samples: measured.samples, baseline: opened.figures.top1, candidate: measured.top1 },
      }),
      ...(budget && { budget }),
      ...(overTheAir !== undefined && { overTheAir }),
    };
    const golden = await log.run('record golden samples', () =>
      recordGolden(session, preprocessing, images(data.test)),
    );
    const name = options.name ?? packageName(options.model);
    const manifest = manifestOf(session, opened, options, quantized, log.note);
    const answered = { before: float.answers, after: answers };
    const { errors } = verified;
    const known = { name, result, quantized, distinct, errors, pruning, labels: manifest.labels, answers: answered };
    const report = makeReport(known, data, log);
    signal.throwIfAborted();
    const described = {
      ...manifest,
      name,
      parentModel: modelDigest(model),
      measured: {
        data: data.test.name,
        baseline: { ...baseline, top5: baselineTop5 },
        candidate: { ...candidate, top5 },
      },
    };
    const { modelBom } = await import('../sbom/model-bom.ts');
    const files = { [SBOM]: modelBom({ manifest: described, model: bytes }) };
    await writePackage(
      options.out,
      { manifest: described, model: bytes, golden, report, files },
      { replace: options.force === true },
    );
    return result;
  } finally {
    await session.close();
  }
}

/** @throws {WaysideError} BUDGET_MISSED */
async function requireBudget(
  points: number | undefined,
  lost: number,
  { precisions, sensitivity }: QuantizedModel,
): Promise<void> {
  if (points !== undefined && overBudget(lost, points))
    throw budgetMissed(points, lost, precisions, await sensitivity());
}

/** Enough to find eight clear ones of different classes in. */
async function* images(test: Dataset): AsyncGenerator<RgbImage> {
  for await (const { image } of test.samples(spreadPositions(test.size, 32))) yield image;
}

function manifestOf(
  { input, output }: Session,
  { data: { test }, preprocessing, model }: { readonly model: Model } & Pick<MeasuredSource, 'data' | 'preprocessing'>,
  { version = '1', threshold = 0.5, purpose }: CompressOptions,
  { plan }: QuantizedModel,
  note: (text: string) => void,
) {
  const classes = output.shape.at(-1);
  const labels = test.classes ?? notedClasses(model.metadata, typeof classes === 'number' ? classes : undefined, note);
  if (typeof classes !== 'number' && labels === undefined) {
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `the model does not say how many classes ${output.name} has`,
    });
  }
  return {
    ...(purpose !== undefined && { task: 'classification' as const, purpose }), // in format 2 alone, which names the task
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
