import { isUtf8 } from 'node:buffer';
import { WaysideError } from '../../core/errors.ts';
import type { ModelLimits } from './limits.ts';
import { FIELDS, type FieldKind, type MessageName, SINGULAR } from './wire-schema.ts';

const WIRE_TYPES = { varint: 0, int64: 0, int32: 0, float: 5, double: 1, text: 2, bytes: 2 } as const;
const LENGTH_DELIMITED = 2;

const fieldsOf: Readonly<Record<MessageName, Readonly<Record<number, FieldKind>>>> = FIELDS;

/**
 * Walks the bytes of a model once, before anything is allocated for them, and refuses what the generated decoder would
 * accept silently or choke on: a nested message that ends outside its parent, a field in the wrong wire form, text that
 * is not UTF-8, a second graph, messages nested or repeated without bound.
 *
 * Encoding: https://protobuf.dev/programming-guides/encoding/
 *
 * @throws {WaysideError} MODEL_DECODE with the byte's offset, MODEL_TOO_LARGE
 */
export function surveyWire(bytes: Uint8Array, limits: ModelLimits): void {
  new WireSurvey(bytes, limits).message('Model', bytes.length, 1);
}

function isMessage(kind: FieldKind): kind is MessageName {
  return kind in FIELDS;
}

/** Invariant: `#position` never passes the end of the innermost message. */
class WireSurvey {
  readonly #bytes: Uint8Array;
  readonly #limits: ModelLimits;
  #position = 0;
  #messages = 0;
  #integers = 0;
  #scalars = 0;

  constructor(bytes: Uint8Array, limits: ModelLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  message(name: MessageName, end: number, depth: number): void {
    if (depth > this.#limits.depth) throw tooLarge(`messages nested deeper than ${this.#limits.depth}`);
    if (++this.#messages > this.#limits.messages) throw tooLarge(`more than ${this.#limits.messages} messages`);
    const fields = fieldsOf[name];
    const seen = new Set<number>();
    while (this.#position < end) {
      const tag = this.#varint(end);
      const field = Math.floor(tag / 8);
      const wireType = tag % 8;
      if (field === 0 || tag >= 2 ** 32) throw this.#malformed(`a field of ${name} has the number ${field}`);
      const kind = fields[field];
      if (kind === undefined) {
        this.#skip(wireType, end);
      } else if (isMessage(kind)) {
        if (wireType !== LENGTH_DELIMITED) throw this.#malformed(`field ${field} of ${name} is not a message`);
        if (SINGULAR.has(`${name}.${field}`)) {
          if (seen.has(field)) throw this.#malformed(`field ${field} of ${name} appears twice`);
          seen.add(field);
        }
        const length = this.#length(end);
        this.message(kind, this.#position + length, depth + 1);
      } else {
        this.#leaf(name, field, kind, wireType, end);
      }
    }
  }

  #leaf(name: string, field: number, kind: keyof typeof WIRE_TYPES, wireType: number, end: number): void {
    if (kind === 'text' || kind === 'bytes') {
      if (wireType !== LENGTH_DELIMITED) throw this.#malformed(`field ${field} of ${name} is not ${kind}`);
      const length = this.#length(end);
      if (kind === 'text' && !isUtf8(this.#bytes.subarray(this.#position, this.#position + length))) {
        throw this.#malformed(`field ${field} of ${name} is not UTF-8`);
      }
      this.#position += length;
      if (kind === 'bytes' && ++this.#integers > this.#limits.integers) {
        throw tooLarge(`more than ${this.#limits.integers} strings and 64-bit integers`);
      }
      return;
    }
    if (wireType === LENGTH_DELIMITED && kind !== 'varint') {
      const packedEnd = this.#length(end) + this.#position;
      while (this.#position < packedEnd) this.#number(kind, packedEnd);
    } else if (wireType === WIRE_TYPES[kind]) {
      this.#number(kind, end);
    } else {
      throw this.#malformed(`field ${field} of ${name} has wire type ${wireType}`);
    }
  }

  #number(kind: 'varint' | 'int64' | 'int32' | 'float' | 'double', end: number): void {
    if (kind === 'float') this.#advance(4, end);
    else if (kind === 'double') this.#advance(8, end);
    else this.#varint(end);
    if (kind === 'int64') {
      if (++this.#integers > this.#limits.integers)
        throw tooLarge(`more than ${this.#limits.integers} 64-bit integers`);
    } else if (++this.#scalars > this.#limits.scalars) throw tooLarge(`more than ${this.#limits.scalars} numbers`);
  }

  #skip(wireType: number, end: number): void {
    if (wireType === 0) this.#varint(end);
    else if (wireType === 1) this.#advance(8, end);
    else if (wireType === 5) this.#advance(4, end);
    else if (wireType === LENGTH_DELIMITED) this.#advance(this.#length(end), end);
    else throw this.#malformed(`wire type ${wireType}`); // 3 and 4 are groups: proto3 and ONNX have none
  }

  #advance(count: number, end: number): void {
    if (count > end - this.#position) throw this.#malformed(`${count} bytes announced, ${end - this.#position} left`);
    this.#position += count;
  }

  #length(end: number): number {
    const length = this.#varint(end);
    if (length > end - this.#position) {
      throw this.#malformed(`${length} bytes announced, ${end - this.#position} left`);
    }
    return length;
  }

  /** Ten bytes at most; precise below 2^53, which is all that tags and lengths need. */
  #varint(end: number): number {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      if (this.#position >= end) throw this.#malformed('a number is cut off');
      const byte = this.#bytes[this.#position++]!;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw this.#malformed('a number is longer than ten bytes');
  }

  #malformed(what: string): WaysideError {
    return new WaysideError('MODEL_DECODE', {
      message: `not a complete ONNX model: ${what}, at byte ${this.#position} of ${this.#bytes.length}`,
      hint: 'the file may be cut off, or not be an ONNX file at all: compare its size and digest with the original',
    });
  }
}

function tooLarge(what: string): WaysideError {
  return new WaysideError('MODEL_TOO_LARGE', { message: `the model has ${what}` });
}
