import type { Dataset } from '../../calibration/dataset.ts';
import { spreadPositions } from '../../calibration/datasets/positions.ts';
import { parseRanges, printRanges } from '../../calibration/datasets/ranges.ts';
import { modelDigest } from '../../calibration/table.ts';
import { WaysideError } from '../../core/errors.ts';
import { StageLog } from '../../core/stage-log.ts';
import { recordGolden } from '../../inference/golden.ts';
import type { RgbImage } from '../../inference/image.ts';
import { writePackage } from '../../inference/package.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import type { Session } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { tableFor } from '../pipeline/calibration-table.ts';
import { judge, measure, measureModel } from '../pipeline/measure.ts';
import { figuresOnTest, openAndMeasure } from '../pipeline/open-float.ts';
import type { CompressOptions, CompressResult, ModelFigures } from '../pipeline/options.ts';
import { type Data, packageName } from '../pipeline/prepare.ts';
import { type Produced, produce } from '../pipeline/quantize-by-plan.ts';
import { planAsJson } from '../plan/plan.ts';
import { slimPlan } from '../plan/prune-finetune.ts';
import { qatPlan } from '../plan/qat.ts';
import { requireLearner } from '../plan/teacher.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import { slimByOptions } from '../prune-finetune/run.ts';
import { sizesOf } from '../prune-finetune/slim.ts';
import { qatByPlan } from '../qat/run.ts';
import { requireFused, withOptimizedGraph, withPlanned } from '../quantize/fusion.ts';
import { floatLayers } from '../quantize/precision.ts';
import { notedClasses } from '../reading/model-notes.ts';
import { makeReport } from '../report/report.ts';
import { budgetMissed, budgetOutOfReach } from '../search/budget.ts';
import { accuracyChange } from '../verify/class-changes.ts';
import { countDistinct } from '../verify/distinct-weights.ts';
import { farFromFloat } from '../verify/doubts.ts';
import { judgeLayers } from '../verify/judge-layers.ts';
import { requireAnswers } from '../verify/require-answers.ts';
import { requireQuantizable, unquantized } from '../verify/unquantized.ts';

export type { CompressOptions, CompressResult } from '../pipeline/options.ts';

/**
 * Turns a float ONNX classifier into a model package: fold, prune, reconstruct and fine-tune where asked to, calibrate,
 * cluster, quantize, train with quantization simulated where asked to, check in ONNX Runtime that everything fused, measure
 * on the same pictures, write. Where it fails, no more is left behind than finished stages of pruning and training in
 * `OUT.work`, which the next run goes on from.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, MODEL_*, DATASET_INVALID, PREPROCESS_MISMATCH, CLUSTER_INVALID, PARITY_FAILED,
 *   FUSION_INCOMPLETE and LAYERS_NOISY unless allowed, BUDGET_MISSED, OUTPUT_EXISTS, FILE_WRITE_FAILED; AbortError when `signal` aborts
 */
export async function compress(given: CompressOptions): Promise<CompressResult> {
  const options = { ...given, validation: validationOf(given) };
  const stages = new StageLog();
  const before = await openAndMeasure(options, stages, ({ folded }) => requireQuantizable(folded, options));
  const plan = options.plan ?? { ...slimPlan(options), ...qatPlan(options) };
  requireLearner([plan.finetune, plan.qat], options);
  const { model, folded, data, preprocessing, measuring, figures: judged } = before;
  const table = await tableFor(options, folded, data.train, preprocessing);
  const measureStage = async (bytes: Uint8Array, name: string) => {
    const { top1, samples, latencyMs } = await measureModel(bytes, `evaluating after ${name}`, measuring);
    return { top1, samples, latencyMs };
  };
  const slimmed = await stages.run('prune, reconstruct, fine-tune', () =>
    slimByOptions(folded, data, preprocessing, options, measureStage),
  );
  requireReach(options.budget, judged.top1, slimmed.stages.at(-1));
  const started = performance.now();
  const producing = { ...options, table, heldOut: data.validation };
  const quantized = await produce(slimmed.model, data.train, preprocessing, producing, stages, folded);
  const seconds = (performance.now() - started) / 1000;
  const qat = await qatByPlan(quantized, folded, data, preprocessing, options, stages);
  const { produced, untrained } = qat;
  const bytes = encodeModel(produced.model);
  return withOptimizedGraph(bytes, async (session, fusion) => {
    const fused = withPlanned(fusion, produced.model, floatLayers(produced.widths), unquantized(produced.float));
    if (options.allowFloat !== true) requireFused(fused);
    await requireAnswers(produced.model, data.test, preprocessing, options.out);
    const { errors, noisy } = await judgeLayers(produced, data.train, preprocessing, options, stages);
    const float = await figuresOnTest(before, stages);
    const { top1, top5, samples, latencyMs, answers } = await stages.run('measure the compressed model', () =>
      measure(session, bytes, 'evaluating compressed model', { ...measuring, test: data.test }),
    );
    await requireBudget(options.budget, 100 * (float.figures.top1 - top1), produced);
    const candidate = { top1, samples, bytes: bytes.byteLength, latencyMs };
    const { top5: baselineTop5, ...baseline } = float.figures;
    const validated =
      data.validation && (await judge(session, 'evaluating compressed model on the validation images', measuring));
    const distinct = countDistinct(await before.stored(), produced.layers, produced.weights);
    const uniqueWeights = { before: distinct.original.perLayer, after: distinct.compressed.codes };
    const { budget } = produced;
    const far = farFromFloat(float.answers, answers);
    if (far !== undefined) options.note?.(`warning: ${far}`);
    const warnings = [...before.warnings, ...(far === undefined ? [] : [far])];
    const sizes = await sizesOf(slimmed.model, preprocessing);
    const last = {
      ...outcomeOf({ ...candidate, ...(validated && { top1: validated.top1, samples: validated.samples }) }),
      ...sizes,
    };
    const outcomes: StageOutcome[] = [
      { name: 'float', ...outcomeOf(judged), ...(await sizesOf(folded, preprocessing)), seconds: 0 },
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
    const change = accuracyChange(float.answers, answers);
    const figures = { baseline, candidate, change, uniqueWeights, fused, noisy, warnings, stages: outcomes };
    const validation = validated && {
      samples: validated.samples,
      baseline: judged.top1,
      candidate: validated.top1,
    };
    const result = {
      package: options.out,
      ...figures,
      ...(validation && { validation }),
      ...(budget && { budget }),
    };
    const golden = await stages.run('record golden samples', () =>
      recordGolden(session, preprocessing, pictures(data.test)),
    );
    const name = options.name ?? packageName(options.model);
    const manifest = manifestOf(session, data, preprocessing, options, produced, model);
    const reported = { name, result, produced, distinct, errors, pruning: slimmed.pruning, labels: manifest.labels };
    const report = makeReport({ ...reported, answers: { before: float.answers, after: answers } }, data, stages);
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

/**
 * The images that a plan was decided on are set aside again: what is trained and calibrated on would not be the same otherwise.
 *
 * @throws {WaysideError} USAGE where others are asked for
 */
function validationOf({ plan, validation }: CompressOptions): CompressOptions['validation'] {
  if (plan === undefined) return validation;
  const planned = plan.validation === undefined ? undefined : parseRanges(plan.validation);
  if (validation === undefined || plan.validation === printRanges(validation)) return planned;
  throw new WaysideError('USAGE', {
    message: `--validation ${printRanges(validation)}, but the plan was made ${plan.validation === undefined ? 'without' : `with ${plan.validation}`}`,
    hint: 'leave --validation out: a plan brings its own',
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

const outcomeOf = ({ top1, samples, bytes, latencyMs }: ModelFigures) => ({ top1, samples, bytes, latencyMs });

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
