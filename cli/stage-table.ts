import type { StageOutcome } from '../exporter/slim/outcome.ts';
import { bytes, count, milliseconds, percent } from './format.ts';
import { table } from './table.ts';

/** What each stage left, one a line. */
export const stageTable = (stages: readonly StageOutcome[]): string =>
  table(
    [
      ['stage', 'top-1', 'MFLOPs', 'parameters', 'size', 'latency', 'took'],
      ...stages.map((stage) => [
        stage.name,
        percent(stage.top1),
        stage.flops === null ? 'unknown' : (stage.flops / 1e6).toFixed(1),
        count(stage.params),
        bytes(stage.bytes),
        milliseconds(stage.latencyMs),
        `${stage.seconds.toFixed(0)} s`,
      ]),
    ],
    ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
  );
