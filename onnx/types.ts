/** ONNX `TensorProto.DataType`, by its number in the file (onnx.proto). */
export const DATA_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
  uint2: 25,
  int2: 26,
} as const;

export type DataType = keyof typeof DATA_TYPES;

/** Bits one element takes in `rawData`; sub-byte types are packed low bits first. Strings have no raw form. */
export const BITS: Readonly<Record<DataType, number>> = {
  float32: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  string: 0,
  bool: 8,
  float16: 16,
  float64: 64,
  uint32: 32,
  uint64: 64,
  bfloat16: 16,
  uint4: 4,
  int4: 4,
  uint2: 2,
  int2: 2,
};

const NAMES: ReadonlyMap<number, DataType> = new Map(
  Object.entries(DATA_TYPES).map(([name, code]) => [code, name as DataType]),
);

/** The type with this number; undefined for those not handled: complex, float8, float4. */
export const dataTypeOf = (code: number): DataType | undefined => NAMES.get(code);
