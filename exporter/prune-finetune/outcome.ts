import { z } from 'zod';

/** What one stage left, measured on the validation images or, where none are set aside, the test images. */
export const StageOutcome = z.strictObject({
  name: z.string(),
  /** 0 to 1. */
  top1: z.number(),
  /** Images that was measured on. */
  samples: z.int().min(1).optional(),
  /** Of the file. */
  bytes: z.int(),
  /** Multiplications and additions of one image: twice the multiply-accumulates. Null where a shape is unknown. */
  flops: z.number().nullable(),
  /** Weights, biases and normalisation constants. */
  params: z.int(),
  /** Median of one image on one thread. */
  latencyMs: z.number(),
  /** That the stage took, measuring not counted. */
  seconds: z.number(),
});
export type StageOutcome = z.infer<typeof StageOutcome>;

/** What the report shows of pruning. */
export const PruneRecord = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), before: z.int(), after: z.int() })),
  sensitivity: z.array(
    z.strictObject({
      name: z.string(),
      channels: z.int(),
      points: z.array(
        z.strictObject({ ratio: z.number(), removed: z.int(), divergence: z.number(), agreement: z.number() }),
      ),
    }),
  ),
  /** Ids of the channels removed: what reconstruction needs to know. */
  removed: z.array(z.int()),
});
export type PruneRecord = z.infer<typeof PruneRecord>;
