import { isDeepStrictEqual } from 'node:util';
import type { Dataset } from '../../calibration/dataset.ts';
import { type CalibrationTable, readTable, requireTableFor } from '../../calibration/table.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { runPasses } from '../../onnx/pass.ts';
import { lowered } from '../lowering/index.ts';
import { equalize } from '../passes/equalize.ts';
import type { CompressionPlan, PlanOutline } from '../plan/plan.ts';
import { valuesToCalibrate } from '../quantize/quantize-model.ts';

/**
 * Reads the table that `wayside calibrate` has made, and refuses one of another model, of other images or of images
 * prepared in another way.
 *
 * @param path of the table; undefined where none is given
 * @param folded the model, before equalization
 * @throws {WaysideError} FILE_NOT_FOUND, CALIBRATION_INVALID, CALIBRATION_MISMATCH; USAGE where the run changes the model first
 */
export async function tableFor(
  path: string | undefined,
  { prune, finetune }: PlanOutline,
  folded: Model,
  train: Dataset,
  preprocessing: Preprocessing,
): Promise<CalibrationTable | undefined> {
  if (path === undefined) return undefined;
  if (prune !== undefined || finetune !== undefined) {
    throw new WaysideError('USAGE', {
      message: 'a calibration table does not go with pruning or fine-tuning in the same run: it is of the model before',
      hint: 'prune and tune first (wayside prune, wayside finetune), then calibrate what they wrote',
    });
  }
  const table = await readTable(path);
  const quantizable = await lowered(folded);
  const model = table.equalized ? await runPasses(quantizable, [equalize]) : quantizable;
  requireTableFor(table, model, { values: valuesToCalibrate(model), data: await train.digest() });
  if (isDeepStrictEqual({ ...table.preprocessing }, { ...preprocessing })) return table;
  throw new WaysideError('CALIBRATION_MISMATCH', {
    message: 'the calibration table is of images prepared in another way',
    hint: 'give the same --normalize and --size as to wayside calibrate',
  });
}

/**
 * The plan with what the table has decided.
 *
 * @throws {WaysideError} CALIBRATION_MISMATCH when the plan draws other images
 */
export function planWithTable(plan: CompressionPlan, table: CalibrationTable | undefined): CompressionPlan {
  if (table === undefined) return plan;
  const { samples, seed } = table.data;
  if (samples === plan.calibration.samples && seed === plan.seed) {
    return plan.equalize === 'auto' ? { ...plan, equalize: table.equalized } : plan;
  }
  throw new WaysideError('CALIBRATION_MISMATCH', {
    message: `the calibration table is from ${samples} images drawn with seed ${seed}, this run draws ${plan.calibration.samples} with seed ${plan.seed}`,
    hint: `--calibration ${samples} --seed ${seed}, or calibrate again`,
  });
}
