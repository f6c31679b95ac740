import { z } from 'zod';
import { parseRanges } from '../../calibration/datasets/ranges.ts';
import { RANGE_METHOD_NAMES } from '../../calibration/ranges/methods.ts';
import { type Layer, weightCount } from '../../compression/layers.ts';
import { WaysideError } from '../../core/errors.ts';
import { numberOf, numberWithDefault } from './field-schema.ts';
import { FIELDS } from './fields.ts';
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

/** What decides of a run, all but what is planned layer by layer; in the order in which plans are written. */
const SETTINGS = {
  format: z.literal(1),
  seed: numberWithDefault(FIELDS.seed),
  target: z.enum(TARGET_NAMES).default(FIELDS.target.fallback),
  calibration: z.strictObject({ samples: numberWithDefault(FIELDS.calibration) }),
  /** Positions of the training split that nothing was calibrated or trained on, as `--validation` takes them; absent: none. */
  validation: z
    .string()
    .refine((text) => parseRanges(text) !== undefined, 'expected positions FROM-TO')
    .optional(),
  /** How activation ranges are chosen; `auto` tries several and keeps the one whose scores stay closest to the float model's. */
  range: z.enum(['auto', ...RANGE_METHOD_NAMES]),
  /**
   * How weights become codes: `output` (the default) lets the error of the layer's output decide, from the covariance of its inputs;
   * `nearest` takes the nearest code of every weight, which needs the inputs' means alone.
   */
  rounding: z.enum(FIELDS.rounding.choices).optional(),
  /** Most bits a weight that an entropy coder takes for the codes, the mean over all layers; absent: bits are free. */
  bitsPerWeight: numberOf(FIELDS.bitsPerWeight).optional(),
  /** Absent: every channel stays. */
  prune: PrunePlan.optional(),
  /** Absent: nothing is trained. */
  finetune: FinetunePlan.optional(),
  /** Absent: what is decided for the int8 model is not trained. */
  qat: QatPlan.optional(),
  /** Cross-layer equalization before anything else; `auto` does it where the answers stay closer to the float model's. */
  equalize: z.union([z.boolean(), z.literal('auto')]).optional(),
  /** Methods of single values are chosen too, after that of all, where `range` is `auto`. */
  refineRanges: z.boolean().optional(),
  /** Biases corrected by what the quantized network was seen to do; `auto` keeps that where the answers come closer. */
  biasCorrection: z.union([z.boolean(), z.literal('auto')]).optional(),
};

/** Methods of single values, by name, where they differ. */
const ranges = z.record(z.string(), z.enum(RANGE_METHOD_NAMES)).optional();

/** Everything that decides: the same plan, model and data give the same bytes. */
export const CompressionPlan = z.strictObject({ ...SETTINGS, layers: z.array(PlannedLayer), ranges });
export type CompressionPlan = z.infer<typeof CompressionPlan>;
export type PlannedLayer = z.infer<typeof PlannedLayer>;

/** The plan of a run before a model is read: what is planned of its layers is not known, unless the run repeats another. */
export const PlanOutline = z.strictObject({
  ...SETTINGS,
  /** Of every layer. */
  clusters: numberOf(FIELDS.clusters).optional(),
  layers: z.array(PlannedLayer).optional(),
  ranges,
});
export type PlanOutline = z.infer<typeof PlanOutline>;

/**
 * The plan of a run once the layers are known that it will quantize. A plan that is repeated stays as it is.
 *
 * @param most images that may be calibrated on: the others are held out
 */
export function completed(
  { clusters, layers: known, ...outline }: PlanOutline,
  layers: readonly Layer[],
  most: number,
): CompressionPlan {
  if (known !== undefined) return { ...outline, layers: known };
  return {
    ...outline,
    calibration: { samples: Math.min(outline.calibration.samples, most) },
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
