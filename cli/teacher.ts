import { Option } from 'commander';
import type { Teacher } from '../compression/training/options.ts';
import { WaysideError } from '../core/errors.ts';
import { decimal } from './options.ts';

export interface TeacherOptions {
  readonly teacher?: string;
  readonly teacherWeight?: number;
}

/** For whatever trains. */
export const teacherWeightOption = (): Option =>
  new Option(
    '--teacher-weight <share>',
    'share of its answers in what is learned, 0 to 1; the rest are the labels (default: 0.7)',
  ).argParser(decimal(0, 1));

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
