import type { Dataset } from '../../calibration/dataset.ts';
import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import type { CalibrationTable } from '../../calibration/table.ts';
import { type Layer, layersOf } from '../../compression/layers.ts';
import type { RunContext } from '../../core/run/context.ts';
import type { DetectorHead } from '../../inference/heads/head.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { lowered } from '../lowering/index.ts';
import { type CompressionPlan, completed, type PlanOutline } from '../plan/plan.ts';
import type { DecidedWeights } from '../quantize/choose-weights.ts';
import { type Precisions, precisionOf } from '../quantize/precision.ts';
import { quantizeModel, valuesToCalibrate, withFittingWeights } from '../quantize/quantize-model.ts';
import { requireLayers } from '../reading/require-layers.ts';
import type { QuantizationChoices } from '../search/calibrated.ts';
import { decide, type QuantizationDecisions } from '../search/decide.ts';
import { planWithTable } from './calibration-table.ts';
import type { RunLimits } from './limits.ts';
import type { BudgetResult } from './results.ts';

/** A compressed model and what was decided on the way to it. */
export interface QuantizedModel {
  readonly model: Model;
  /** What was quantized: pruned, trained and equalized, in float. */
  readonly float: Model;
  /** All that was chosen for it. */
  readonly chosen: QuantizationChoices;
  readonly plan: CompressionPlan;
  readonly layers: readonly Layer[];
  readonly weights: ReadonlyMap<string, DecidedWeights>;
  readonly method: RangeMethodName;
  /** Mean Kullback-Leibler divergence from the float model's predictions, by range method tried. */
  readonly divergence: Readonly<Record<string, number>>;
  readonly precisions: Precisions;
  readonly budget?: BudgetResult;
  /** The sensitivity of each layer quantized alone: measured when asked for. */
  readonly sensitivity: () => Promise<ReadonlyMap<string, number>>;
}

interface QuantizeOptions extends Omit<RunLimits, 'allowFloat'> {
  readonly preprocessing: Preprocessing;
  /** Of a detector: its boxes decide. */
  readonly head?: DetectorHead | undefined;
  readonly table?: CalibrationTable | undefined;
  /** What a budget is held on. @default training images that nothing is calibrated on */
  readonly heldOut?: Dataset | undefined;
  /** What a budget counts from: the float model before anything was pruned or trained. @default the one that is quantized */
  readonly reference?: Model | undefined;
  /** Images that may be calibrated on. @default all, or three quarters where a budget is held on the others */
  readonly most?: number | undefined;
}

/**
 * From the folded float model to the int8 one: observe ranges, measure the moments of layer inputs, decide weights, choose
 * ranges, keep layers wider where a budget needs it, write.
 */
export async function quantizeByPlan(
  given: Model,
  train: Dataset,
  outline: PlanOutline,
  { preprocessing, head, table, heldOut, reference = given, most, ...limits }: QuantizeOptions,
  { signal, onProgress, threads, log }: RunContext,
): Promise<QuantizedModel> {
  const { budget, tolerance, allowNoisyLayers } = limits;
  const folded = await lowered(given, signal);
  if (valuesToCalibrate(folded).length === 0) requireLayers(folded, 'quantize');
  // A small set is shared between deciding and holding the budget.
  const affordable = most ?? (budget === undefined ? train.size : Math.max(1, Math.floor(0.75 * train.size)));
  const plan = planWithTable(completed(outline, layersOf(folded.graph), affordable), table);
  const decided = await decide(
    folded,
    train,
    {
      ...{ preprocessing, head, plan, budget, validation: heldOut, tolerance, allowNoisyLayers, reference },
      ...{ threads, table, signal, onProgress },
    },
    log,
  );
  const { calibrated, choice, divergence, sensitivity } = decided;
  const { precisions, method } = choice;
  const { model: float, layers } = calibrated;
  const chosen = withFittingWeights(float, await calibrated.chosen(choice));
  const model = quantizeModel(float, chosen);
  const { weights } = chosen;
  const common = {
    ...{ model, float, chosen, plan: decided.plan, layers, weights },
    ...{ precisions, method, divergence, sensitivity },
  };
  return budget === undefined ? common : { ...common, budget: budgetResult(budget, plan, decided) };
}

function budgetResult(
  points: number,
  plan: CompressionPlan,
  { choice: { precisions }, budget }: QuantizationDecisions,
): BudgetResult {
  const wider = plan.layers.flatMap((layer) => {
    const width = precisions.get(layer.name) ?? 'int8';
    return width === precisionOf(layer) ? [] : [{ name: layer.name, width }];
  });
  return { points, heldOut: budget?.steps ?? [], wider };
}
