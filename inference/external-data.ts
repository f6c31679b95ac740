import { stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { messageOf, WaysideError } from '../core/errors.ts';
import { readNamedFile } from '../core/files.ts';
import { fieldsOf, ProtobufError } from './protobuf.ts';

/** Field numbers on the way from a model to the names of its data files (onnx.proto). */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_EXTERNAL_DATA = 13;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

function locationsIn(model: Uint8Array): Set<string> {
  const text = new TextDecoder();
  const locations = new Set<string>();
  for (const graph of fieldsOf(model, MODEL_GRAPH)) {
    for (const initializer of fieldsOf(graph, GRAPH_INITIALIZER)) {
      for (const entry of fieldsOf(initializer, TENSOR_EXTERNAL_DATA)) {
        const [key] = fieldsOf(entry, ENTRY_KEY);
        const [value] = fieldsOf(entry, ENTRY_VALUE);
        if (key !== undefined && value !== undefined && text.decode(key) === 'location')
          locations.add(text.decode(value));
      }
    }
  }
  return locations;
}

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
    if (!(cause instanceof ProtobufError)) throw cause;
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
