import type { Dataset } from '../../../calibration/dataset.ts';
import type { RunOptions } from '../../../core/progress.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import type { Model } from '../../../onnx/graph.ts';
import type { ChannelGroup } from '../channels/groups.ts';
import type { LayerMoments } from '../obs/readers.ts';

/** What each channel of a group is worth; only comparisons count. */
export type Importance = (model: Model, group: ChannelGroup) => Float64Array;

/** What channels can be judged by. */
export interface Evidence extends RunOptions {
  readonly model: Model;
  readonly groups: readonly ChannelGroup[];
  readonly train: Dataset;
  readonly preprocessing: Preprocessing;
  /** Positions of the images of the training part that judge. */
  readonly indices: readonly number[];
  readonly seed: number;
  readonly threads: number;
  /** Of what every layer's weights are multiplied with; measured when first asked for. */
  readonly moments: () => Promise<LayerMoments>;
}

/** One file each, and a line in `registry.ts`. The registry is read for names and help: what computes much is imported when it is called. */
export interface PruningCriterion<Name extends string = string> {
  /** In plans and options. */
  readonly name: Name;
  /** What it judges by, for the help of commands. */
  readonly summary: string;
  /**
   * Scores are multiplied by how far predictions move when the group is pruned alone, and so compare across groups; otherwise by what groups of
   * the same size are worth. @default false
   */
  readonly bySensitivity?: boolean;
  /**
   * One number a channel, group by group in their order.
   *
   * @throws AbortError when the signal aborts
   */
  judge(evidence: Evidence): Promise<readonly Float64Array[]>;
}

export const criterion = <const Name extends string>(each: PruningCriterion<Name>): PruningCriterion<Name> => each;

/** One that looks at the weights of a group alone. */
export const weightCriterion = <const Name extends string>(
  each: Pick<PruningCriterion<Name>, 'name' | 'summary'> & { readonly importance: Importance },
) => ({
  ...each,
  judge: (evidence: Evidence) => judgeGroups(evidence, (group) => each.importance(evidence.model, group)),
});

export async function judgeGroups(
  { groups, signal, onProgress }: Evidence,
  judge: (group: ChannelGroup) => Float64Array | Promise<Float64Array>,
): Promise<Float64Array[]> {
  const scores: Float64Array[] = [];
  for (const group of groups) {
    signal?.throwIfAborted();
    scores.push(await judge(group));
    onProgress?.({ stage: 'judging channels', done: scores.length, total: groups.length });
    await new Promise(setImmediate); // lets an interrupt be heard between groups
  }
  return scores;
}
