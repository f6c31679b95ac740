import { stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { messageOf, WaysideError } from '../core/errors.ts';
import { readNamedFile } from '../core/files.ts';
import { graphsOf, ModelFileError, tensorsOf } from './model-file/tensors.ts';
import { ProtobufError } from './protobuf.ts';

const locationsIn = (model: Uint8Array): Set<string> =>
  new Set(
    graphsOf(model)
      .flatMap(tensorsOf)
      .flatMap(({ external }) => external.flatMap(([key, value]) => (key === 'location' ? [value] : []))),
  );

/**
 * Bytes on disk of a model: its file and the files that hold its initializers, each once.
 *
 * Reads only the few fields that name them: this room stays below `onnx/`, which a box does not carry.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, MODEL_DECODE, EXTERNAL_DATA for a data file that is absent or outside the folder
 */
export async function modelBytes(path: string): Promise<number> {
  const model = await readNamedFile(path);
  const folder = resolve(dirname(path));
  let locations: Set<string>;
  try {
    locations = locationsIn(model);
  } catch (cause) {
    if (!(cause instanceof ProtobufError || cause instanceof ModelFileError)) throw cause;
    throw new WaysideError('MODEL_DECODE', { message: `${path} is no complete ONNX model: ${cause.message}`, cause });
  }
  let bytes = model.byteLength;
  for (const location of locations) {
    const file = resolve(folder, location);
    if (!file.startsWith(folder + sep)) {
      throw new WaysideError('EXTERNAL_DATA', { message: `${path} keeps data outside its folder: ${location}` });
    }
    try {
      bytes += (await stat(file)).size;
    } catch (cause) {
      throw new WaysideError('EXTERNAL_DATA', { message: `cannot read ${file}: ${messageOf(cause)}`, cause });
    }
  }
  return bytes;
}
