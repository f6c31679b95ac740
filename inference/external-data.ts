import { stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { messageOf, WaysideError } from '../core/errors.ts';
import { readNamedFile } from '../core/files.ts';

/** Field numbers on the way from a model to the names of its data files (onnx.proto). */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_EXTERNAL_DATA = 13;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

class Truncated extends Error {}

function varint(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let scale = 1, next = at; next < Math.min(bytes.length, at + 10); scale *= 128) {
    const byte = bytes[next++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next };
  }
  throw new Truncated('a number runs past the end');
}

/** The length-delimited fields with this number in a message (protobuf encoding guide, "Message structure"). */
function* fields(bytes: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const { value: tag, next } = varint(bytes, at);
    const wire = tag % 8;
    if (wire === 0) at = varint(bytes, next).next;
    else if (wire === 1) at = next + 8;
    else if (wire === 5) at = next + 4;
    else if (wire === 2) {
      const { value: length, next: start } = varint(bytes, next);
      at = start + length;
      if (at > bytes.length) throw new Truncated('a field runs past the end');
      if (Math.floor(tag / 8) === wanted) yield bytes.subarray(start, at);
    } else throw new Truncated(`unknown wire type ${wire}`);
  }
}

function locationsIn(model: Uint8Array): Set<string> {
  const text = new TextDecoder();
  const locations = new Set<string>();
  for (const graph of fields(model, MODEL_GRAPH)) {
    for (const initializer of fields(graph, GRAPH_INITIALIZER)) {
      for (const entry of fields(initializer, TENSOR_EXTERNAL_DATA)) {
        const [key] = fields(entry, ENTRY_KEY);
        const [value] = fields(entry, ENTRY_VALUE);
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
    if (!(cause instanceof Truncated)) throw cause;
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
