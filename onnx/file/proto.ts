import onnxProto from 'onnx-proto';

/** The generated codec of onnx.proto; a CommonJS module, hence the default import. */
export const proto = onnxProto.onnx;

/** AttributeProto.AttributeType, by number. */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/** A 64-bit integer as protobufjs hands it over: a Long, or a number where the field was absent. */
export interface Long {
  readonly low: number;
  readonly high: number;
}

const INT64_LIMIT = 2 ** 63;

/**
 * The integer as a JavaScript number, or undefined where a number cannot hold it. 2^63 - 1, which exporters write for
 * "to the end", is the one exception: it becomes 2^63 and is written back as 2^63 - 1.
 */
export function fromInt64(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const { low, high } = value as Long;
  if (high === 0x7fffffff && low === -1) return INT64_LIMIT;
  const number = high * 2 ** 32 + (low >>> 0);
  const exact = Number.isSafeInteger(number) || BigInt(number) === (BigInt(high) << 32n) + BigInt(low >>> 0);
  return exact ? number : undefined;
}

/** The reverse of `fromInt64`. */
export function toInt64(value: number): number {
  // protobufjs reads { low, high } too, though its types only say so with the package `long` installed.
  const largest: Long = { low: -1, high: 0x7fffffff };
  return value >= INT64_LIMIT ? (largest as unknown as number) : value;
}

/** A number an ONNX int64 field can hold. */
export const isInt64 = (value: number): boolean => Number.isInteger(value) && Math.abs(value) <= INT64_LIMIT;
