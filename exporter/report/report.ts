import { cpus } from 'node:os';
import { VERSION } from '../../core/layout.ts';
import type { StageLog } from '../../core/run/stage-log.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import type { Data } from '../pipeline/prepare.ts';
import { type ReportInput, renderReport } from './page.ts';

/** The report of a run: what is known of it, and on what it was made. */
export function makeReport(
  known: Omit<ReportInput, 'made' | 'stages'>,
  { validation, test }: Data,
  stages: StageLog,
): string {
  const decided =
    validation === undefined
      ? ''
      : ` Choices were made, and stages measured, on ${validation.size} images of ${validation.name} that nothing was calibrated or trained on.`;
  const processor = cpus()[0]?.model.trim() ?? 'an unknown processor';
  const made = `Made by Wayside ${VERSION}, measured in ONNX Runtime ${RUNTIME_VERSION} on ${processor}, on images of ${test.name}.${decided}`;
  return renderReport({ ...known, made, stages: stages.entries });
}
