import { z } from 'zod';
import { parseRanges } from '../../calibration/datasets/ranges.ts';
import { RANGE_METHOD_NAMES } from '../../calibration/ranges/methods.ts';
import { type Layer, weightCount } from '../../compression/layers.ts';
import { WaysideError } from '../../core/errors.ts';
import { FinetunePlan, PrunePlan } from './prune-finetune.ts';
import { QatPlan } from './qat.ts';
import { TARGET_NAMES } from './targets.ts';

const PlannedLayer = z.strictObject({
  name: z.string(),
  /** Weights of one output channel times output channels. */
  weights: z.int().min(1),
  /** Distinct weight codes allowed; absent: not clustered. */
  clusters: z.int().min(2).max(256).optional(),
  /** Groups of consecutive output channels with a codebook each. */
  groups: z.int().min(1).optional(),
  /** Left as it was, weights and arithmetic: mixed precision. */
  float: z.literal(true).optional(),
});

/** Everything that decides, before anything is computed: the same plan, model and data give the same bytes. */
export const CompressionPlan = z.strictObject({
  format: z.literal(1),
  seed: z.int().min(0),
  target: z.enum(TARGET_NAMES as [string, ...string[]]),
  calibration: z.strictObject({ samples: z.int().min(1) }),
  /** Positions of the training split that nothing was calibrated or trained on, as `--validation` takes them; absent: none. */
  validation: z
    .string()
    .refine((text) => parseRanges(text) !== undefined, 'expected positions FROM-TO')
    .optional(),
  /** How activation ranges are chosen; `auto` tries several and keeps the one whose scores stay closest to the float model's. */
  range: z.enum(['auto', ...RANGE_METHOD_NAMES]),
  /** Methods of single values, by name, where they differ. */
  ranges: z.record(z.string(), z.enum(RANGE_METHOD_NAMES)).optional(),
  /** Methods of single values are chosen too, after that of all, where `range` is `auto`. */
  refineRanges: z.boolean().optional(),
  /** Cross-layer equalization before anything else; `auto` does it where the answers stay closer to the float model's. */
  equalize: z.union([z.boolean(), z.literal('auto')]).optional(),
  /** Biases corrected by what the quantized network was seen to do; `auto` keeps that where the answers come closer. */
  biasCorrection: z.union([z.boolean(), z.literal('auto')]).optional(),
  /**
   * How weights become codes: `output` (the default) lets the error of the layer's output decide, from the covariance of its inputs;
   * `nearest` takes the nearest code of every weight, which needs the inputs' means alone.
   */
  rounding: z.enum(['output', 'nearest']).optional(),
  /** Absent: every channel stays. */
  prune: PrunePlan.optional(),
  /** Absent: nothing is trained. */
  finetune: FinetunePlan.optional(),
  /** Absent: what is decided for the int8 model is not trained. */
  qat: QatPlan.optional(),
  layers: z.array(PlannedLayer),
});
export type CompressionPlan = z.infer<typeof CompressionPlan>;
export type PlannedLayer = z.infer<typeof PlannedLayer>;

export interface PlanOptions extends Omit<CompressionPlan, 'format' | 'layers'> {
  readonly clusters?: number | undefined;
}

/** The plan that the options of one command make: the same number of clusters for every layer. */
export function makePlan(layers: readonly Layer[], { clusters, ...options }: PlanOptions): CompressionPlan {
  return {
    format: 1,
    ...options,
    layers: layers.map((layer) => ({
      name: layer.node.name,
      weights: weightCount(layer),
      ...(clusters === undefined ? {} : { clusters }),
    })),
  };
}

/** The plan as the manifest keeps it. */
export const planAsJson = (plan: CompressionPlan): Record<string, z.core.util.JSONType> =>
  JSON.parse(JSON.stringify(plan));

/**
 * What is planned for each layer of a model. How many weights a layer has is not asked where the plan prunes: whoever edits
 * what goes need not count what stays.
 *
 * @throws {WaysideError} CLUSTER_INVALID when the plan is another model's
 */
export function plannedLayers(plan: CompressionPlan, layers: readonly Layer[]): ReadonlyMap<string, PlannedLayer> {
  const planned = new Map(plan.layers.map((layer) => [layer.name, layer]));
  for (const layer of layers) {
    const { name } = layer.node;
    const known = planned.get(name);
    if (known?.weights === weightCount(layer) || (known !== undefined && plan.prune !== undefined)) continue;
    throw new WaysideError('CLUSTER_INVALID', {
      message: `the plan has no layer ${name} of ${weightCount(layer)} weights`,
      hint: 'it was made for another model',
    });
  }
  return planned;
}
