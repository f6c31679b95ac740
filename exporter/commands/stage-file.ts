import { stat } from 'node:fs/promises';
import { isSystemError, WaysideError } from '../../core/errors.ts';
import { writeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import type { OpenedModel } from '../pipeline/open-float.ts';
import { declaredClasses, notedClasses, withNotes } from '../reading/model-notes.ts';
import { requireAnswers } from '../verify/require-answers.ts';

/** A stage done alone, from one file to another. */
export interface FileOptions {
  /** File to write. */
  readonly out: string;
  /** Replace an existing file. @default false */
  readonly force?: boolean | undefined;
}

/** Said before minutes of work, not after. @throws {WaysideError} OUTPUT_EXISTS */
export async function requireFreeFile({ out, force = false }: FileOptions): Promise<void> {
  const there = await stat(out).catch((cause: unknown) => {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw cause;
  });
  if (there === undefined || (force && there.isFile())) return;
  throw new WaysideError('OUTPUT_EXISTS', {
    message: `${out} already exists`,
    hint: there.isFile() ? 'name another file, or allow replacing it with --force' : 'name another file',
  });
}

/**
 * Writes what a stage made, with what the next one need not be told again: how its images are normalised, and its classes.
 *
 * @throws {WaysideError} FILE_WRITE_FAILED, MODEL_NOT_FINITE
 */
export async function writeStage(
  model: Model,
  { preprocessing, data }: Pick<OpenedModel, 'preprocessing' | 'data'>,
  out: string,
): Promise<void> {
  const names = data.test.classes ?? notedClasses(model.metadata, declaredClasses(model), () => {});
  const noted = { ...model, metadata: withNotes(model.metadata, preprocessing, names) };
  await requireAnswers(noted, data.test, preprocessing, out);
  await writeModel(noted, out);
}
