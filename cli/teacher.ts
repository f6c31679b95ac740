import type { Option } from 'commander';
import type { Teacher } from '../compression/training/options.ts';
import { WaysideError } from '../core/errors.ts';
import { FIELDS } from '../exporter/plan/fields.ts';
import { openNumberOption } from './options/plan.ts';

export interface TeacherOptions {
  readonly teacher?: string;
  readonly teacherWeight?: number;
}

/** For whatever trains. */
export const teacherWeightOption = (): Option => openNumberOption('--teacher-weight <share>', FIELDS.teacherWeight);

/** The model that is learned from, where one is named. @throws {WaysideError} USAGE for a weight of nobody; FILE_NOT_FOUND, MODEL_* */
export async function readTeacher({ teacher, teacherWeight: weight }: TeacherOptions): Promise<Teacher | undefined> {
  if (teacher !== undefined) {
    const [{ readModel }, { widenFloats }] = await Promise.all([
      import('../onnx/file/read.ts'),
      import('../exporter/reading/widen-floats.ts'),
    ]);
    return { model: widenFloats(await readModel(teacher)), ...(weight !== undefined && { weight }) };
  }
  if (weight === undefined) return undefined;
  throw new WaysideError('USAGE', {
    message: '--teacher-weight is given, and no teacher',
    hint: 'name the better model with --teacher',
  });
}
