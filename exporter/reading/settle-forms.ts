import { requireKnownVersions } from '../../onnx/check.ts';
import type { Model } from '../../onnx/graph.ts';
import { runPasses } from '../../onnx/pass.ts';
import { dropUnreadOutputs } from '../passes/drop-unread-outputs.ts';
import { eliminateDead } from '../passes/eliminate-dead.ts';
import { foldConstants } from '../passes/fold-constants.ts';
import { inlineIf } from '../passes/inline-if.ts';
import { removeIdentity } from '../passes/remove-identity.ts';
import { requireFloat } from './require-float.ts';
import { widenFloats } from './widen-floats.ts';

export interface FloatForms {
  readonly model: Model;
  /** Whether it held 16-bit floats: ONNX Runtime would round where this model does not. */
  readonly widened: boolean;
}

/**
 * A float model in the one form that all stages know: float32, without branches that are never taken, without outputs that nobody
 * reads. One that is in this form already comes back as it is.
 *
 * @throws {WaysideError} MODEL_QUANTIZED, MODEL_UNSUPPORTED, PASS_FAILED
 */
export async function settleForms(given: Model, note: (text: string) => void = () => {}): Promise<FloatForms> {
  requireKnownVersions(given);
  requireFloat(given);
  const wide = widenFloats(given);
  if (wide !== given) note('note: its 16-bit floats are read as float32, and what is written is float32');
  let model = await runPasses(wide, [dropUnreadOutputs, inlineIf]);
  // A condition may follow only from what the runtime itself computes.
  if (model.graph.nodes.some(({ opType }) => opType === 'If')) {
    const folded = await runPasses(model, [foldConstants, inlineIf]);
    model = folded;
  }
  return { model, widened: wide !== given };
}

/** The model with everything that depends on constants only computed, so that weights are initializers wherever the file keeps them. */
export const withStoredWeights = (model: Model, signal?: AbortSignal): Promise<Model> =>
  runPasses(model, [eliminateDead, removeIdentity, foldConstants], signal ? { signal } : {});
