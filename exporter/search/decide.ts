import type { Dataset } from '../../calibration/dataset.ts';
import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import type { CalibrationTable } from '../../calibration/table.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { StageLog } from '../../core/run/stage-log.ts';
import type { DetectorHead } from '../../inference/heads/head.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { heldOutIndices } from '../plan/calibration-samples.ts';
import type { CompressionPlan } from '../plan/plan.ts';
import { type Precisions, planned, precisionOf } from '../quantize/precision.ts';
import { scaleClasses } from '../quantize/quantize-model.ts';
import { measureLayerErrors, productsOf } from '../verify/layer-errors.ts';
import { quietPrecisions } from '../verify/quiet-precisions.ts';
import { blended } from './blended.ts';
import { type HeldBudget, holdBudget, type Loss } from './budget.ts';
import { Calibrated, type Choice } from './calibrated.ts';
import { chooseBiases } from './choose-biases.ts';
import { chooseMethod } from './choose-ranges.ts';
import { equalizedBy } from './equalized.ts';
import { OUTLIER_IMAGES, withOutliersInFloat } from './float-outliers.ts';
import { FoldAgreement, mean } from './fold-agreement.ts';
import { LayerSensitivity } from './layer-sensitivity.ts';
import { type AskOptions, pointsLost, predictionsOf, uncertainty } from './predictions.ts';
import { refineRanges } from './refine-ranges.ts';

interface DecideOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  /** Of a detector: its boxes decide. */
  readonly head?: DetectorHead | undefined;
  readonly plan: CompressionPlan;
  /** Points of accuracy that may be lost on held-out images before layers are widened. @default no limit */
  readonly budget?: number | undefined;
  /** What it is held on. @default images drawn from the training split that nothing is calibrated on */
  readonly validation?: Dataset | undefined;
  /** How far one layer alone may move the answers before it is left in float: see `withOutliersInFloat`. @default no limit */
  readonly tolerance?: number | undefined;
  /** Layers that are mostly noise are left as they are where a budget or a tolerance would keep them finer. @default false */
  readonly allowNoisyLayers?: boolean | undefined;
  /** The float model that the budget counts from. */
  readonly reference: Model;
  readonly threads: number;
  /** In place of observing the calibration images. */
  readonly table?: CalibrationTable | undefined;
}

export interface QuantizationDecisions {
  readonly calibrated: Calibrated;
  readonly choice: Choice;
  /** Everything decided written into it: following it makes the same model without deciding again. */
  readonly plan: CompressionPlan;
  /** Mean Kullback-Leibler divergence from the float model's answers, by what was tried. */
  readonly divergence: Readonly<Record<string, number>>;
  readonly budget: HeldBudget | undefined;
  /** The sensitivity of each layer quantized alone: measured when asked for. */
  readonly sensitivity: () => Promise<ReadonlyMap<string, number>>;
}

/**
 * Decides what a plan leaves open, by the answers to calibration images: whether channels are equalized, the range method
 * and that of single values, how wide layers must be to stay inside a budget, and whether measured bias correction helps.
 */
export async function decide(
  folded: Model,
  train: Dataset,
  options: DecideOptions,
  stages: StageLog,
): Promise<QuantizationDecisions> {
  const { plan, budget, validation, tolerance, allowNoisyLayers = false, reference, ...run } = options;
  const start = await equalizedBy(plan, folded, train, run, stages);
  const { model, equalized, precisions: planPrecisions, asked, ...shared } = start;
  const onePrecision = budget === undefined && tolerance === undefined;
  const measuring = { ...run, ...shared, indices: asked.indices, plan, onePrecision };
  const calibrated = await Calibrated.measure(model, train, measuring, stages);
  await stages.run('cluster and round weights', () => calibrated.weights(planPrecisions));
  const choose = (precisions: Precisions) =>
    stages.run('choose ranges', () => decideRanges(calibrated, plan, precisions, asked));
  const first = await choose(planPrecisions);
  const wished =
    tolerance === undefined
      ? planPrecisions
      : await stages.run('find layers for float', () => {
          const sensitivity = new LayerSensitivity(calibrated, first.choice, asked, OUTLIER_IMAGES);
          return withOutliersInFloat(model, planPrecisions, sensitivity, tolerance);
        });
  const { choice: ranged, divergence } = wished === planPrecisions ? first : await choose(wished);
  const layerSensitivity = new LayerSensitivity(calibrated, ranged, asked);
  const held =
    budget === undefined
      ? undefined
      : await stages.run('hold the budget', async () => {
          const heldOut =
            validation === undefined
              ? { indices: heldOutIndices(train, plan) }
              : { dataset: validation, indices: allOf(validation) };
          const lost = await heldOutLoss(reference, { ...asked, ...heldOut });
          return holdBudget({
            points: budget,
            precisions: wished,
            lost: async (precisions) => lost(await calibrated.quantized({ ...ranged, precisions })),
            sensitivity: (...layer) => layerSensitivity.of(...layer),
          });
        });
  const inside = held?.precisions ?? wished;
  const precisions =
    allowNoisyLayers || onePrecision
      ? inside
      : await stages.run('keep noisy layers finer', () =>
          quietPrecisions(inside, async (tried) => {
            const quantized = await calibrated.quantized({ ...ranged, precisions: tried });
            return measureLayerErrors(calibrated.model, quantized, productsOf(calibrated.model.graph), asked);
          }),
        );
  const biased = await stages.run('correct biases', () =>
    chooseBiases(calibrated, plan.biasCorrection ?? false, { ...ranged, precisions }, asked),
  );
  const { method, methods = {} } = ranged;
  const { refineRanges: _, ...settled } = plan;
  return {
    calibrated,
    choice: biased.choice,
    plan: {
      ...settled,
      range: method,
      ...(Object.keys(methods).length === 0 ? {} : { ranges: methods }),
      equalize: equalized,
      ...(plan.biasCorrection === undefined ? {} : { biasCorrection: biased.corrected }),
      layers: plan.layers.map((layer) => planned(layer, precisions.get(layer.name) ?? precisionOf(layer))),
    },
    divergence: { ...divergence, ...biased.divergence },
    budget: held,
    sensitivity: async () =>
      held !== undefined && held.sensitivity.size > 0 ? held.sensitivity : await layerSensitivity.ofAll(precisions),
  };
}

const allOf = ({ size }: Dataset): number[] => Array.from({ length: size }, (_, position) => position);

/**
 * Measures what a quantized model loses on held-out images: what it loses on them as they are, or the mean of that and of what it
 * loses on them blended, whichever is more.
 */
async function heldOutLoss(reference: Model, plain: AskOptions): Promise<(model: Model) => Promise<Loss>> {
  const harder = { ...plain, dataset: blended(plain.dataset) };
  const before = { plain: await predictionsOf(reference, plain), harder: await predictionsOf(reference, harder) };
  return async (model) => {
    const after = { plain: await predictionsOf(model, plain), harder: await predictionsOf(model, harder) };
    const points = pointsLost(before.plain, after.plain);
    const both = (points + pointsLost(before.harder, after.harder)) / 2;
    return { points: Math.max(points, both), error: uncertainty(before.plain, after.plain) };
  };
}

/** The plan's methods, or the best of those tried for all values and then for single ones. */
async function decideRanges(
  calibrated: Calibrated,
  { range, ranges = {}, refineRanges: refine = false }: CompressionPlan,
  precisions: Precisions,
  asked: AskOptions,
): Promise<Pick<QuantizationDecisions, 'choice' | 'divergence'>> {
  if (range !== 'auto') {
    return { choice: { precisions, method: range as RangeMethodName, methods: ranges }, divergence: {} };
  }
  const quantizeWith = (method: RangeMethodName, methods = ranges): Promise<Model> =>
    calibrated.quantized({ precisions, method, methods });
  const { source, answers } = calibrated.watched;
  const { method, divergence } = await chooseMethod(calibrated.model, quantizeWith, asked, answers);
  if (!refine || source === undefined) return { choice: { precisions, method, methods: ranges }, divergence };
  const agreement = await FoldAgreement.of(calibrated.model, asked);
  const refined = await refineRanges({
    source,
    classes: scaleClasses(calibrated.model),
    method,
    divergenceWith: async (methods) => agreement.divergences(await quantizeWith(method, { ...ranges, ...methods })),
  });
  const mixed = Object.keys(refined.methods).length === 0 ? {} : { mixed: mean(refined.divergence) };
  return {
    choice: { precisions, method, methods: { ...ranges, ...refined.methods } },
    divergence: { ...divergence, ...mixed },
  };
}
