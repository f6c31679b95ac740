/** ONNX `TensorProto.DataType`, by its number in the file (onnx.proto). */
export const DATA_TYPES = {
  /** Not said: a subgraph need not declare what it takes and gives. Also of values that are no tensors. */
  undefined: 0,
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
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
} as const;

export type DataType = keyof typeof DATA_TYPES;
export type KnownDataType = Exclude<DataType, 'undefined'>;

/** Bits one element takes in `rawData`; sub-byte types are packed low bits first. Strings have no raw form. */
export const BITS: Readonly<Record<DataType, number>> = {
  undefined: 0,
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
  complex64: 64,
  complex128: 128,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  float8e8m0: 8,
  uint4: 4,
  int4: 4,
  float4e2m1: 4,
  uint2: 2,
  int2: 2,
};

const NAMES: ReadonlyMap<number, KnownDataType> = new Map(
  Object.entries(DATA_TYPES).flatMap(([name, code]) => (code === 0 ? [] : [[code, name as KnownDataType]])),
);

/** The type with this number; undefined for 0 and for those that are not known here. */
export const dataTypeOf = (code: number): KnownDataType | undefined => NAMES.get(code);
