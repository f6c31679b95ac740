import protobuf from 'protobufjs/minimal.js';
import { readNamedFile } from '../../core/files.ts';
import { proto } from './proto.ts';

/** ModelProto.metadata_props in onnx.proto. */
const METADATA_PROPS = 14;

/**
 * The notes that an ONNX file carries, without decoding the model: also of files that `readModel` refuses and ONNX Runtime takes.
 * None where the bytes are no protobuf message.
 *
 * @throws {WaysideError} FILE_NOT_FOUND
 */
export async function readMetadata(path: string): Promise<ReadonlyMap<string, string>> {
  const reader = protobuf.Reader.create(await readNamedFile(path));
  const found = new Map<string, string>();
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 === METADATA_PROPS) {
        const { key, value } = proto.StringStringEntryProto.decode(reader, reader.uint32());
        found.set(key, value);
      } else reader.skipType(tag & 7);
    }
  } catch {
    return new Map(); // whoever runs the model says what is wrong with it
  }
  return found;
}
