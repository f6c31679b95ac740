import type { Dataset } from '../calibration/dataset.ts';
import { spreadPositions } from '../calibration/datasets/positions.ts';
import { evaluate } from '../calibration/evaluate.ts';
import { modelDigest } from '../calibration/table.ts';
import { WaysideError } from '../core/errors.ts';
import { recordGolden } from '../inference/golden.ts';
import type { RgbImage } from '../inference/image.ts';
import { measureLatency } from '../inference/latency.ts';
import { openModel, writePackage } from '../inference/package.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import { RUNTIME_VERSION } from '../inference/runtime.ts';
import { openSession, type Session } from '../inference/session.ts';
import type { Model } from '../onnx/graph.ts';
import { upgradeOpset } from '../onnx/opset.ts';
import { runPasses } from '../onnx/pass.ts';
import { readModel } from '../onnx/read.ts';
import { encodeModel } from '../onnx/write.ts';
import { budgetMissed, budgetOutOfReach } from './budget.ts';
import { requireFused, withOptimizedGraph, withPlanned } from './fusion.ts';
import type { CompressOptions, CompressResult, ModelFigures } from './options.ts';
import { requireParity } from './parity.ts';
import { FOLDING } from './passes/index.ts';
import { asPictureInput } from './picture-input.ts';
import { planAsJson } from './plan.ts';
import { type Data, openData, packageName, preprocessingOf } from './prepare.ts';
import { type Produced, produce } from './produce.ts';
import { renderReport } from './report.ts';
import type { StageOutcome } from './slim/outcome.ts';
import { slimByOptions } from './slim/run.ts';
import { sizesOf } from './slim/slim.ts';
import { StageLog } from './stages.ts';
import { uniqueWeightsAfter, uniqueWeightsBefore } from './unique.ts';
import { floatLayers } from './widths.ts';

export type { CompressOptions, CompressResult } from './options.ts';

/**
 * Turns a float ONNX classifier into a model package: fold, prune, reconstruct and fine-tune where asked to, calibrate,
 * cluster, quantize, check in ONNX Runtime that everything fused, measure on the same pictures, write. Where it fails,
 * no more is left behind than finished stages of pruning and training in `OUT.work`, which the next run goes on from.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, MODEL_*, DATASET_INVALID, PREPROCESS_MISMATCH, CLUSTER_INVALID, PARITY_FAILED,
 *   FUSION_INCOMPLETE unless allowed, BUDGET_MISSED, OUTPUT_EXISTS, FILE_WRITE_FAILED; AbortError when `signal` aborts
 */
export async function compress(options: CompressOptions): Promise<CompressResult> {
  const stages = new StageLog();
  const { model, changed, wantsBytes } = await stages.run('read', async () =>
    asPictureInput(await readModel(options.model)),
  );
  // 13 is the oldest operator set that can say per-channel weights; passes need to know no older forms of the operators.
  const folded = await stages.run('fold', () => runPasses(upgradeOpset(model, 13), FOLDING, options));
  const data = await openData(options);
  const original = changed ? encodeModel(model) : options.model;
  const before = await measureBaseline({ original, folded, wantsBytes, data }, options, stages);
  const { preprocessing } = before;
  const slimmed = await stages.run('prune, reconstruct, fine-tune', () =>
    slimByOptions(folded, data, preprocessing, options, (bytes, name) =>
      measureBytes(bytes, data.test, preprocessing, options, `evaluating after ${name}`),
    ),
  );
  requireReach(options.budget, before.figures.top1, slimmed.stages.at(-1));
  const started = performance.now();
  const produced = await produce(slimmed.model, data.train, preprocessing, options, stages, folded);
  const bytes = encodeModel(produced.model);
  const seconds = (performance.now() - started) / 1000;
  return withOptimizedGraph(bytes, async (session, report) => {
    const fused = withPlanned(report, produced.model, floatLayers(produced.widths));
    if (options.allowFloat !== true) requireFused(fused);
    const { top1, top5, samples, latencyMs } = await stages.run('measure the compressed model', () =>
      measure(session, data.test, before.preprocessing, options, 'evaluating compressed model'),
    );
    await requireBudget(options.budget, 100 * (before.figures.top1 - top1), produced);
    const candidate = { top1, samples, bytes: bytes.byteLength, latencyMs };
    const { top5: baselineTop5, ...baseline } = before.figures;
    const uniqueWeights = { before: uniqueWeightsBefore(model), after: uniqueWeightsAfter(produced.weights) };
    const { budget } = produced;
    const outcomes: StageOutcome[] = [
      { name: 'float', ...outcomeOf(baseline), ...sizesOf(folded), seconds: 0 },
      ...slimmed.stages,
      { name: 'quantize', ...outcomeOf(candidate), ...sizesOf(slimmed.model), seconds },
    ];
    const figures = { baseline, candidate, uniqueWeights, fused, stages: outcomes };
    const result = { package: options.out, ...figures, ...(budget && { budget }) };
    const golden = await stages.run('record golden samples', () =>
      recordGolden(session, before.preprocessing, pictures(data.test)),
    );
    options.signal?.throwIfAborted();
    const name = options.name ?? packageName(options.model);
    await writePackage(
      options.out,
      {
        manifest: {
          ...manifestOf(session, data, before.preprocessing, options, produced),
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
        report: renderReport({ name, result, produced, stages: stages.entries, pruning: slimmed.pruning }),
      },
      { replace: options.force === true },
    );
    await slimmed.clear();
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

interface Baseline {
  /** The file, or the bytes of the same model with another input. */
  readonly original: string | Uint8Array;
  readonly folded: Model;
  readonly wantsBytes: boolean;
  readonly data: Data;
}

async function measureBaseline(
  { original, folded, wantsBytes, data }: Baseline,
  options: CompressOptions,
  stages: StageLog,
) {
  const session = await openSession(original, { threads: 1 });
  try {
    const preprocessing = preprocessingOf(session.input, options, wantsBytes);
    await stages.run('prove the folded model', () => requireParity(session, folded, preprocessing));
    const measured = await stages.run('measure the float model', () =>
      measure(session, data.test, preprocessing, options, 'evaluating float model'),
    );
    const { bytes } = await openModel(options.model);
    return { preprocessing, figures: { ...measured, bytes } };
  } finally {
    await session.close();
  }
}

const outcomeOf = ({ top1, bytes, latencyMs }: ModelFigures) => ({ top1, bytes, latencyMs });

/** What a stage made, as the box would run it. */
async function measureBytes(
  model: Uint8Array,
  test: Dataset,
  preprocessing: Preprocessing,
  options: CompressOptions,
  stage: string,
) {
  const session = await openSession(model, { threads: 1 });
  try {
    const { top1, latencyMs } = await measure(session, test, preprocessing, options, stage);
    return { top1, latencyMs };
  } finally {
    await session.close();
  }
}

async function measure(
  session: Session,
  test: Dataset,
  preprocessing: Preprocessing,
  { limit, signal, onProgress }: CompressOptions,
  stage: string,
) {
  const progress = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const { top1, top5, samples } = await evaluate(session, test, { preprocessing, limit, stage, ...progress });
  const latencyMs = await measureLatency(session, preprocessing, signal === undefined ? {} : { signal });
  return { top1, top5, samples, latencyMs };
}

/** Enough to find eight clear ones of different classes in. */
async function* pictures(test: Dataset): AsyncGenerator<RgbImage> {
  for await (const { image } of test.samples(spreadPositions(test.size, 32))) yield image;
}

function manifestOf(
  session: Session,
  { test }: Data,
  preprocessing: Preprocessing,
  { version = '1', threshold = 0.5 }: CompressOptions,
  { plan }: Produced,
) {
  const { input, output } = session;
  const classes = output.shape.at(-1);
  const labels = test.classes;
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
