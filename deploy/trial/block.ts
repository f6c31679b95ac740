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
 * A block of frames that both models saw. All differences are candidate less old, over the same frames.
 */
export interface Block {
  readonly phase: 'shadow' | 'probation';
  readonly frames: number;
  readonly old: ModelBlock;
  readonly candidate: ModelBlock;
  /**
   * Change of each class's share of all answers, by label; a class that is missing did not change. Of a detector: of its boxes, as a share
   * of all boxes of the old model.
   */
  readonly classShift: Readonly<Record<string, number>>;
  /** Share of answers that only one of them gave; of a detector `boxes` says it. */
  readonly disagreement: number;
  /** Difference of the mean best score; of a detector, of boxes that are matched. */
  readonly scoreDrift: number;
  /** Longest time without an analysed frame while a camera was live, s. */
  readonly longestGapSeconds: number;
  /** Of a detector: boxes of all frames, and pairs of one of each model that are of one class and overlap by half (IoU 0.5), one to one. */
  readonly boxes?: { readonly old: number; readonly candidate: number; readonly matched: number } | undefined;
  /** Of a detector where lines are drawn: what crossed each, by its name. */
  readonly lines?: Readonly<Record<string, { readonly old: number; readonly candidate: number }>> | undefined;
}
