import type { RunContext } from '../../core/run/context.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { checkFusion, type FusionReport, requireFused, withPlanned } from '../quantize/fusion.ts';
import { floatLayers } from '../quantize/precision.ts';
import { judgeLayers, type LayerJudgement } from '../verify/judge-layers.ts';
import { requireAnswers } from '../verify/require-answers.ts';
import { unquantized } from '../verify/unquantized.ts';
import type { RunLimits } from './limits.ts';
import type { Data } from './prepare.ts';
import type { QuantizedModel } from './quantize-by-plan.ts';

/** What was found out of an int8 model before it is written. */
export interface VerifiedModel extends LayerJudgement {
  readonly fused: FusionReport;
}

interface VerifyContext extends RunContext {
  readonly opened: { readonly data: Data; readonly preprocessing: Preprocessing };
  readonly limits: RunLimits;
  /** What is written in the end. */
  readonly out: string;
}

/**
 * What is proven of every int8 model that is to be written: what runs in int8, that its predictions are numbers, and that no layer is
 * mostly noise.
 *
 * @throws {WaysideError} FUSION_INCOMPLETE and LAYERS_NOISY unless allowed; MODEL_NOT_FINITE, SESSION_LOAD, SESSION_RUN
 */
export async function verified(
  quantized: QuantizedModel,
  { opened: { data, preprocessing }, limits, out, ...run }: VerifyContext,
): Promise<VerifiedModel> {
  const { model, float, precisions } = quantized;
  const report = await checkFusion(encodeModel(model));
  const fused = withPlanned(report, model, floatLayers(precisions), unquantized(float));
  if (limits.allowFloat !== true) requireFused(fused);
  await requireAnswers(model, data.test, preprocessing, out);
  return { fused, ...(await judgeLayers(quantized, data.train, preprocessing, limits, run)) };
}
