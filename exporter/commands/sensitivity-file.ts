import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import { type HeldBack, heldBack, heldBackText } from '../../compression/pruning/held-back.ts';
import { measuredTypes } from '../../compression/pruning/measured-shapes.ts';
import type { GroupSensitivity } from '../../compression/pruning/sensitivity.ts';
import { WaysideError } from '../../core/errors.ts';
import { StageLog } from '../../core/stage-log.ts';
import { openFloat, type SourceOptions } from '../pipeline/open-float.ts';
import { defaultThreads } from '../pipeline/options.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import { judgeChannels, momentsFor, sensitivityBy } from '../prune-finetune/judge.ts';

export interface SensitivityFileOptions extends SourceOptions {
  /** Training pictures to judge channels on. @default 512 */
  readonly calibration?: number | undefined;
  /** @default 0 */
  readonly seed?: number | undefined;
  /** @default up to 4 */
  readonly threads?: number | undefined;
}

export interface SensitivityResult {
  readonly groups: readonly GroupSensitivity[];
  /** Nodes that channels cannot pass, with the share of the operations that hangs on theirs. */
  readonly heldBack: readonly HeldBack[];
}

/**
 * How far a model's answers move when a quarter, a half, three quarters of one group's channels go and nothing else. Reads no labels.
 *
 * @throws {WaysideError} NOTHING_TO_DO where no channel can go; as `openFloat` and `measureSensitivity`
 */
export async function sensitivityFile(options: SensitivityFileOptions): Promise<SensitivityResult> {
  const { folded, data, preprocessing } = await openFloat(options, new StageLog());
  const { calibration = 512, seed = 0, threads = defaultThreads(), signal, onProgress } = options;
  const context = {
    train: data.train,
    preprocessing,
    indices: calibrationIndices(data.train, { seed, calibration: { samples: Math.min(calibration, data.train.size) } }),
    seed,
    threads,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  };
  const analysis = analyzeChannels(folded);
  if (analysis.groups.length === 0) {
    const held = heldBack(folded, analysis, 'flops', await measuredTypes(folded, preprocessing));
    throw new WaysideError('NOTHING_TO_DO', {
      message: `no channels of the model can be pruned: there is nothing to measure${held.length === 0 ? '' : `; shares of the operations that are held back: ${heldBackText(held)}`}`,
      hint: 'every convolution and matrix product feeds something whose channels must stay',
    });
  }
  const evidence = {
    model: folded,
    analysis,
    moments: await momentsFor(folded, context),
  };
  return {
    groups: await sensitivityBy(evidence, await judgeChannels(evidence, 'damage', context), context),
    heldBack: heldBack(folded, analysis, 'flops', await measuredTypes(folded, preprocessing)),
  };
}
