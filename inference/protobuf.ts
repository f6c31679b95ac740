/** Bytes that are no complete protobuf message. */
export class ProtobufError extends Error {}

/** What is walked over: an array of bytes, or what is read like one. */
interface Bytes<B> {
  readonly length: number;
  at(index: number): number | undefined;
  subarray(from: number, to: number): B;
}

/** A field of a message (protobuf encoding guide, "Message structure"): a whole number, or bytes within the message. */
type Field<B> = { readonly number: number; readonly value: number } | { readonly number: number; readonly bytes: B };

function varint<B>(bytes: Bytes<B>, at: number): { value: number; next: number } {
  let value = 0;
  for (let scale = 1, next = at; next < Math.min(bytes.length, at + 10); scale *= 128) {
    const byte = bytes.at(next++);
    if (byte === undefined) break;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next };
  }
  throw new ProtobufError('a number runs past the end');
}

/**
 * The numbers and length-delimited fields of a message in their order; fixed widths are passed over. Nothing is copied:
 * `bytes` is a view of what was given, and memory and time do not grow with what a message claims to hold.
 *
 * @throws {ProtobufError}
 */
export function* messageFields<B extends Bytes<B>>(bytes: B): Generator<Field<B>> {
  for (let at = 0; at < bytes.length; ) {
    const { value: tag, next } = varint(bytes, at);
    const wire = tag % 8;
    const number = Math.floor(tag / 8);
    if (wire === 0) {
      const { value, next: after } = varint(bytes, next);
      at = after;
      yield { number, value };
    } else if (wire === 1) at = next + 8;
    else if (wire === 5) at = next + 4;
    else if (wire === 2) {
      const { value: length, next: start } = varint(bytes, next);
      at = start + length;
      if (at > bytes.length) throw new ProtobufError('a field runs past the end');
      yield { number, bytes: bytes.subarray(start, at) };
    } else throw new ProtobufError(`unknown wire type ${wire}`);
  }
}

/** The length-delimited fields with this number. */
export function* fieldsOf<B extends Bytes<B>>(bytes: B, wanted: number): Generator<B> {
  for (const field of messageFields(bytes)) if (field.number === wanted && 'bytes' in field) yield field.bytes;
}

/** The numbers of a repeated field that is packed: writers may choose between this and one field each. */
export function packedVarints<B>(bytes: Bytes<B>): number[] {
  const values: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { value, next } = varint(bytes, at);
    values.push(value);
    at = next;
  }
  return values;
}
