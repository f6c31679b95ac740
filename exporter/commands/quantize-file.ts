import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import { WaysideError } from '../../core/errors.ts';
import { runContext } from '../../core/run/context.ts';
import { tableFor } from '../pipeline/calibration-table.ts';
import type { RunLimits } from '../pipeline/limits.ts';
import { openAndMeasure } from '../pipeline/open-float.ts';
import { runStages } from '../pipeline/run-stages.ts';
import { floatOutcome } from '../pipeline/sizes.ts';
import { planned } from '../pipeline/stage.ts';
import { quantize } from '../pipeline/stages/quantize.ts';
import { type PlanOptions, planOf } from '../plan/plan-of.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import type { FusionReport } from '../quantize/fusion.ts';
import { farFromFloat } from '../verify/doubts.ts';
import type { NoisyLayer } from '../verify/layer-noise.ts';
import { requireQuantizable } from '../verify/unquantized.ts';
import type { FlowOptions } from './options.ts';
import { type FileOptions, requireFreeFile, writeStage } from './stage-file.ts';

interface QuantizeFileOptions
  extends FlowOptions,
    FileOptions,
    Pick<PlanOptions, 'calibration' | 'validation' | 'seed' | 'range' | 'rounding' | 'target' | 'equalize'>,
    Pick<RunLimits, 'allowFloat' | 'allowNoisyLayers'> {
  /** What `wayside calibrate` wrote of the same model and images. @default they are observed */
  readonly calibrationTable?: string | undefined;
}

export interface QuantizeFileResult {
  readonly model: string;
  readonly stages: readonly StageOutcome[];
  /** How the ranges of activations were chosen. */
  readonly range: RangeMethodName;
  readonly fused: FusionReport;
  /** Layers that are mostly noise beside the float model, where that was allowed. */
  readonly noisy: readonly NoisyLayer[];
  /** What makes one doubt the figures. */
  readonly warnings: readonly string[];
}

/**
 * Writes the int8 QDQ model alone: no clusters, no package.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, FILE_WRITE_FAILED; FUSION_INCOMPLETE and LAYERS_NOISY unless allowed; as `openAndMeasure`, `tableFor`
 *   and `quantizeByPlan`
 */
export async function quantizeFile(options: QuantizeFileOptions): Promise<QuantizeFileResult> {
  const { out, allowFloat, allowNoisyLayers } = options;
  await requireFreeFile(options);
  const plan = planOf(options);
  const context = runContext(options);
  const { signal, log } = context;
  const opened = await openAndMeasure(options, plan, context, ({ folded }) =>
    requireQuantizable(folded, { allowFloat, signal, note: log.note }),
  );
  const { folded, data, preprocessing } = opened;
  const table = await tableFor(options.calibrationTable, plan, folded, data.train, preprocessing);
  const { quantized, verified, last, outcomes } = await runStages(
    [planned(quantize, plan)],
    { model: folded, outcomes: [await floatOutcome(opened)] },
    {
      ...context,
      opened,
      seed: plan.seed,
      limits: { allowFloat, allowNoisyLayers },
      table,
      out,
      makes: 'quantized model',
    },
  );
  if (quantized === undefined || verified === undefined || last === undefined) {
    throw new WaysideError('INTERNAL', { message: 'the stage left no int8 model' });
  }
  const far = farFromFloat(opened.answers, last.measured.answers);
  if (far !== undefined) log.note(`warning: ${far}`);
  await writeStage(quantized.model, opened, out);
  const warnings = [...opened.warnings, ...(far === undefined ? [] : [far])];
  const { fused, noisy } = verified;
  return { model: out, stages: outcomes, range: quantized.method, fused, noisy, warnings };
}
