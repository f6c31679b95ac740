import { calibrate } from '../../calibration/calibrate.ts';
import { type CalibrationTable, writeTable } from '../../calibration/table.ts';
import { layersOf } from '../../compression/layers.ts';
import { runContext } from '../../core/run/context.ts';
import { lowered } from '../lowering/index.ts';
import { openFloat } from '../pipeline/open-float.ts';
import { completed } from '../plan/plan.ts';
import { type PlanOptions, planOf } from '../plan/plan-of.ts';
import { valuesToCalibrate } from '../quantize/quantize-model.ts';
import { requireLayers } from '../reading/require-layers.ts';
import { equalizedBy } from '../search/equalized.ts';
import type { FlowOptions } from './options.ts';
import { type FileOptions, requireFreeFile } from './stage-file.ts';

interface CalibrateFileOptions
  extends FlowOptions,
    FileOptions,
    Pick<PlanOptions, 'calibration' | 'seed' | 'validation'> {}

/**
 * Observes a float model on calibration images, as `compress` does, and writes the table that `compress` and `quantize` take.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, NOTHING_TO_DO, FILE_WRITE_FAILED; as `openFloat` and `calibrate`
 */
export async function calibrateFile(options: CalibrateFileOptions): Promise<CalibrationTable> {
  await requireFreeFile(options);
  const { calibration, seed, validation } = options;
  const outline = planOf({ calibration, seed, validation });
  const context = runContext(options);
  const { log, ...run } = context;
  const { folded: given, data, preprocessing } = await openFloat(options, outline, context);
  const { train } = data;
  const folded = await lowered(given, run.signal);
  requireLayers(folded, 'calibrate');
  const plan = completed(outline, layersOf(folded.graph), train.size);
  const { model, equalized } = await equalizedBy(plan, folded, train, { preprocessing, ...run }, log);
  const table = await calibrate(model, train, {
    preprocessing,
    samples: plan.calibration.samples,
    seed: plan.seed,
    values: valuesToCalibrate(model),
    equalized,
    ...run,
  });
  await writeTable(table, options.out);
  return table;
}
