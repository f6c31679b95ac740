import { cpus } from 'node:os';
import { VERSION } from '../../core/layout.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import { calibrationIndices } from '../calibration-draw.ts';
import { measureLayerErrors } from '../layer-errors.ts';
import { type CompressOptions, defaultThreads } from '../options.ts';
import type { Data } from '../prepare.ts';
import type { StageLog } from '../stages.ts';
import { type ReportInput, renderReport } from './page.ts';

export interface ReportRun {
  readonly data: Data;
  readonly preprocessing: Preprocessing;
  readonly stages: StageLog;
  readonly options: Pick<CompressOptions, 'threads' | 'signal'>;
}

/**
 * The report of a run: measures the error of every layer's output, then writes the page.
 *
 * @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when the options' signal aborts
 */
export async function makeReport(
  known: Omit<ReportInput, 'made' | 'stages' | 'errors'>,
  { data: { train, validation, test }, preprocessing, stages, options }: ReportRun,
): Promise<string> {
  const { float, model, layers, plan } = known.produced;
  const errors = await stages.run('measure the error of layers', () =>
    measureLayerErrors(float, model, layers, {
      dataset: train,
      indices: calibrationIndices(train, plan),
      preprocessing,
      threads: options.threads ?? defaultThreads(),
      signal: options.signal,
    }),
  );
  const decided =
    validation === undefined
      ? ''
      : ` Choices were made, and stages measured, on ${validation.size} images of ${validation.name} that nothing was calibrated or trained on.`;
  const processor = cpus()[0]?.model.trim() ?? 'an unknown processor';
  const made = `Made by Wayside ${VERSION}, measured in ONNX Runtime ${RUNTIME_VERSION} on ${processor}, on pictures of ${test.name}.${decided}`;
  return renderReport({ ...known, made, errors, stages: stages.entries });
}
