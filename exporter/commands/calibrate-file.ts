import { calibrate } from '../../calibration/calibrate.ts';
import { type CalibrationTable, writeTable } from '../../calibration/table.ts';
import { layersOf } from '../../compression/layers.ts';
import { StageLog } from '../../core/stage-log.ts';
import { lowered } from '../lowering/index.ts';
import { openFloat, type SourceOptions } from '../pipeline/open-float.ts';
import { defaultThreads } from '../pipeline/options.ts';
import { planOf } from '../pipeline/quantize-by-plan.ts';
import { valuesToCalibrate } from '../quantize/quantize-model.ts';
import { requireLayers } from '../reading/require-layers.ts';
import { equalizedBy } from '../search/equalized.ts';
import { type FileOptions, requireFreeFile } from './stage-file.ts';

export interface CalibrateFileOptions extends SourceOptions, FileOptions {
  /** Training pictures to observe. @default 512 */
  readonly calibration?: number | undefined;
  /** @default 0 */
  readonly seed?: number | undefined;
  /** @default up to 4 */
  readonly threads?: number | undefined;
}

/**
 * Observes a float model on calibration pictures, as `compress` does, and writes the table that `compress` and `quantize` take.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, NOTHING_TO_DO, FILE_WRITE_FAILED; as `openFloat` and `calibrate`
 */
export async function calibrateFile(options: CalibrateFileOptions): Promise<CalibrationTable> {
  await requireFreeFile(options);
  const stages = new StageLog();
  const { folded: given, data, preprocessing } = await openFloat(options, stages);
  const { threads = defaultThreads(), signal, onProgress } = options;
  const folded = await lowered(given, signal);
  requireLayers(folded, 'calibrate');
  const { calibration, seed } = options;
  const plan = planOf(layersOf(folded.graph), data.train, { calibration, seed });
  const { model, equalized } = await equalizedBy(plan, folded, data.train, { preprocessing, threads, signal }, stages);
  const table = await calibrate(model, data.train, {
    preprocessing,
    samples: plan.calibration.samples,
    seed: plan.seed,
    values: valuesToCalibrate(model),
    equalized,
    threads,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  await writeTable(table, options.out);
  return table;
}
