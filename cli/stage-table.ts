import { wilson } from '../core/intervals.ts';
import type { StageOutcome } from '../exporter/prune-finetune/outcome.ts';
import { bytes, count, milliseconds, percent } from './format.ts';
import { table } from './table.ts';

/** With half of its 95% interval: `89.94 % ± 1.18`. */
function accuracy({ top1, samples }: StageOutcome): string {
  if (samples === undefined) return percent(top1);
  const { low, high } = wilson(Math.round(top1 * samples), samples);
  return `${percent(top1)} \u00b1 ${(50 * (high - low)).toFixed(2)}`;
}

/** What each stage left, one a line. */
export const stageTable = (stages: readonly StageOutcome[]): string =>
  table(
    [
      ['stage', 'top-1', 'MFLOPs', 'parameters', 'size', 'latency', 'took'],
      ...stages.map((stage) => [
        stage.name,
        accuracy(stage),
        stage.flops === null ? 'unknown' : (stage.flops / 1e6).toFixed(1),
        count(stage.params),
        bytes(stage.bytes),
        milliseconds(stage.latencyMs),
        `${stage.seconds.toFixed(0)} s`,
      ]),
    ],
    ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
  );
