import { z } from 'zod';

/** A difference up to `tolerated` is none; one of `margin` and more must not be promoted. */
const bounds = (tolerated: number, margin: number) =>
  z
    .strictObject({ tolerated: z.number().min(0).default(tolerated), margin: z.number().positive().default(margin) })
    .refine((value) => value.tolerated < value.margin, { error: '`tolerated` below `margin`' })
    .prefault({});

const rate = (value: number) => z.number().min(1e-6).max(0.2).default(value);

/** What a candidate must keep to during a trial. */
export const trialLimits = z.strictObject({
  /** Share of trials of a model that is within what is tolerated that may end in a rollback, over all measures together. */
  falseRollbacks: rate(0.01),
  /** Share of trials of a model that is worse by a margin, in any measure, that may end in a promotion. */
  falsePromotions: rate(0.05),
  /** Blocks before the candidate answers, at least: at the default rates no difference shows in fewer than 12 (16 with a hundred classes). */
  shadowBlocks: z.int().min(1).max(10_000).default(16),
  /** Blocks while it answers, before it is promoted, at least. */
  probationBlocks: z.int().min(1).max(10_000).default(8),
  /** Blocks after which an undecided trial ends: the model before the candidate stays. */
  mostBlocks: z.int().min(2).max(100_000).default(400),
  /** Change of a class's share of all answers. */
  classShift: bounds(0.005, 0.03),
  /** Share of answers with another class; of detectors, of boxes that only one of them gave. */
  disagreement: bounds(0.1, 0.2),
  /** Mean of the best score. */
  scoreDrift: bounds(0.01, 0.05),
  /** Of detectors: change of what crosses lines, as a share of what both models counted. */
  lineCounts: bounds(0.05, 0.2),
  /** Share of frames that the candidate alone failed on. */
  failedFrames: bounds(0.001, 0.01),
  /** Time of a frame, as a share of the old model's: 0.1 is 10% slower. */
  slower: bounds(0.1, 0.3),
  /** No frame analysed for so long while a camera is live. */
  noFramesSeconds: z.number().min(1).max(3600).default(30),
  /** Restarts of the candidate's process. */
  restarts: z.int().min(0).max(100).default(1),
  /** Memory of the candidate's process, MB. */
  memoryMb: z.number().min(16).max(1_000_000).default(1024),
});
export type TrialLimits = z.infer<typeof trialLimits>;
