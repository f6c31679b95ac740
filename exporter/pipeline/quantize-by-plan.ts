import type { Dataset } from '../../calibration/dataset.ts';
import { printRanges } from '../../calibration/datasets/ranges.ts';
import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import type { CalibrationTable } from '../../calibration/table.ts';
import { type Layer, layersOf } from '../../compression/layers.ts';
import type { StageLog } from '../../core/stage-log.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { lowered } from '../lowering/index.ts';
import { type CompressionPlan, makePlan } from '../plan/plan.ts';
import { type SlimOptions, slimPlan } from '../plan/prune-finetune.ts';
import { type QatOptions, qatPlan } from '../plan/qat.ts';
import { targetProfile } from '../plan/targets.ts';
import type { DecidedWeights } from '../quantize/choose-weights.ts';
import { type Widths, widthOf } from '../quantize/precision.ts';
import { quantizeModel, valuesToCalibrate, withFittingWeights } from '../quantize/quantize-model.ts';
import { requireLayers } from '../reading/require-layers.ts';
import type { Chosen } from '../search/calibrated.ts';
import { type Decided, decide } from '../search/decide.ts';
import { planWithTable } from './calibration-table.ts';
import { type BudgetResult, type CompressOptions, defaultThreads } from './options.ts';

/** A compressed model and what was decided on the way to it. */
export interface Produced {
  readonly model: Model;
  /** What was quantized: pruned, trained and equalized, in float. */
  readonly float: Model;
  /** All that was chosen for it. */
  readonly chosen: Chosen;
  readonly plan: CompressionPlan;
  readonly layers: readonly Layer[];
  readonly weights: ReadonlyMap<string, DecidedWeights>;
  readonly method: RangeMethodName;
  /** Mean Kullback-Leibler divergence from the float model's answers, by range method tried. */
  readonly divergence: Readonly<Record<string, number>>;
  readonly widths: Widths;
  readonly budget?: BudgetResult;
  /** The damage of each layer quantized alone: measured when asked for. */
  readonly damage: () => Promise<ReadonlyMap<string, number>>;
}

/** What quantizing is told, by a command or by another program. */
export type ProduceOptions = Pick<
  CompressOptions,
  | 'plan'
  | 'signal'
  | 'onProgress'
  | 'threads'
  | 'budget'
  | 'tolerance'
  | 'seed'
  | 'calibration'
  | 'range'
  | 'rounding'
  | 'target'
  | 'clusters'
  | 'validation'
  | 'equalize'
  | 'allowNoisyLayers'
> &
  SlimOptions &
  QatOptions & {
    readonly table?: CalibrationTable | undefined;
    /** What a budget is held on. @default training images that nothing is calibrated on */
    readonly heldOut?: Dataset | undefined;
  };

/**
 * From the folded float model to the int8 one: observe ranges, measure the moments of layer inputs, decide weights, choose
 * ranges, keep layers wider where a budget needs it, write.
 *
 * @param reference what a budget counts from: the float model as it was before anything was pruned or trained
 */
export async function produce(
  given: Model,
  train: Dataset,
  preprocessing: Preprocessing,
  options: ProduceOptions,
  stages: StageLog,
  reference: Model = given,
): Promise<Produced> {
  const folded = await lowered(given, options.signal);
  if (valuesToCalibrate(folded).length === 0) requireLayers(folded, 'quantize');
  const { table, heldOut: validation } = options;
  const plan = planWithTable(options.plan ?? planOf(layersOf(folded.graph), train, options), table);
  const { signal, onProgress, threads = defaultThreads(), budget, tolerance, allowNoisyLayers } = options;
  const run = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const decided = await decide(
    folded,
    train,
    { preprocessing, plan, budget, validation, tolerance, allowNoisyLayers, reference, threads, table, ...run },
    stages,
  );
  const { calibrated, choice, divergence, damage } = decided;
  const { widths, method } = choice;
  const { model: float, layers } = calibrated;
  const chosen = withFittingWeights(float, await calibrated.chosen(choice));
  const model = await stages.run('quantize', async () => quantizeModel(float, chosen));
  const { weights } = chosen;
  const common = {
    ...{ model, float, chosen, plan: decided.plan, layers, weights },
    ...{ widths, method, divergence, damage },
  };
  return budget === undefined ? common : { ...common, budget: budgetResult(budget, plan, decided) };
}

function budgetResult(points: number, plan: CompressionPlan, { choice: { widths }, budget }: Decided): BudgetResult {
  const wider = plan.layers.flatMap((layer) => {
    const width = widths.get(layer.name) ?? 'int8';
    return width === widthOf(layer) ? [] : [{ name: layer.name, width }];
  });
  return { points, heldOut: budget?.steps ?? [], wider };
}

/** The plan that the options of one command make. */
export function planOf(layers: readonly Layer[], train: Dataset, options: ProduceOptions): CompressionPlan {
  const { seed = 0, calibration = 512, rounding, target, clusters, budget, validation } = options;
  // Nearest rounding is asked for where every second counts: it takes what one look at the pictures gives.
  const quick = rounding === 'nearest';
  const { equalize = quick ? false : 'auto', range = quick ? 'min-max' : 'auto' } = options;
  // A small set is shared between deciding and holding the budget.
  const most = budget === undefined ? train.size : Math.max(1, Math.floor(0.75 * train.size));
  return makePlan(layers, {
    seed,
    target: targetProfile(target).name,
    calibration: { samples: Math.min(calibration, most) },
    ...(validation === undefined ? {} : { validation: printRanges(validation) }),
    range: range === 'min-max' ? 'minmax' : range,
    ...(quick ? { rounding } : {}),
    ...slimPlan(options),
    ...qatPlan(options),
    equalize,
    // Half a minute on ResNet56 for a gain that was never clear on a network as trained: for those who give a budget.
    ...(budget === undefined ? {} : { refineRanges: true, biasCorrection: 'auto' as const }),
    clusters,
  });
}
