/** What one model did in a block. */
interface ModelBlock {
  /** Frames it could not analyse. */
  readonly failed: number;
  /** Mean time of a frame, ms: preprocessing and model. NaN where it analysed none. */
  readonly latencyMs: number;
  /** NaN where the system does not tell. */
  readonly memoryMb: number;
  /** Times its process had to be replaced within the block. */
  readonly restarts: number;
}

/**
 * A block of frames that both models saw. All differences are candidate less old, over the same frames; a detector's answers are its
 * boxes, matched one to one with those of the other model.
 */
export interface Block {
  readonly phase: 'shadow' | 'probation';
  readonly frames: number;
  readonly old: ModelBlock;
  readonly candidate: ModelBlock;
  /** Change of each class's share of all answers, by label; a class that is missing did not change. */
  readonly classShift: Readonly<Record<string, number>>;
  /** Share of answers that only one of them gave. */
  readonly disagreement: number;
  /** Difference of the mean best score. */
  readonly scoreDrift: number;
  /** Longest time without an analysed frame while a camera was live, s. */
  readonly longestGapSeconds: number;
}
