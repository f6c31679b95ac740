import type { onnx } from 'onnx-proto';
import { WaysideError } from '../../core/errors.ts';
import { byteLength, elementCount, type Tensor } from '../tensor.ts';
import { BITS, dataTypeOf, type KnownDataType } from '../types.ts';
import type { ExternalDataReader } from './external-data.ts';
import { MAX_RANK } from './limits.ts';
import { fromInt64, type Long, proto } from './proto.ts';

/** @throws {WaysideError} MODEL_UNSUPPORTED for one that is not known here */
export function decodeDataType(code: number, of: string): KnownDataType {
  const name = dataTypeOf(code);
  if (name !== undefined) return name;
  if (code === 0) throw new WaysideError('MODEL_INVALID', { message: `${of} has no data type` });
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `${of} has the ONNX data type ${code}, which is not handled`,
  });
}

/**
 * A TensorProto as raw bytes: `raw_data` as it lies in the file, external data from its file, typed fields packed.
 *
 * @throws {WaysideError} MODEL_INVALID where declared and present sizes differ; MODEL_UNSUPPORTED; EXTERNAL_DATA
 */
export function decodeTensor(source: onnx.ITensorProto, label: string, external: ExternalDataReader): Tensor {
  const of = `tensor ${label}`;
  const dtype = decodeDataType(source.dataType ?? 0, of);
  if (source.segment) throw new WaysideError('MODEL_UNSUPPORTED', { message: `${of} is split into segments` });
  const dims = decodeDims(source, of);
  const expected = byteLength(dtype, dims);
  const found = (bytes: Uint8Array): Tensor => {
    if (bytes.length !== expected) {
      throw new WaysideError('MODEL_INVALID', {
        message: `${of} is ${dtype}[${dims.join(', ')}] and needs ${expected} bytes, it has ${bytes.length}`,
      });
    }
    return { dtype, dims, bytes };
  };
  const typed = typedField(source, of);
  if (dtype === 'string') return { dtype, dims, ...decodeStrings(source, dims, of) };
  if (source.dataLocation === proto.TensorProto.DataLocation.EXTERNAL) {
    if (typed !== undefined || hasRaw(source)) throw contradiction(of, 'external data and data of its own');
    const entries = new Map((source.externalData ?? []).map(({ key, value }) => [key ?? '', value ?? '']));
    if (!Number.isSafeInteger(expected)) throw contradiction(of, `dimensions of ${dims.join(' x ')}`);
    return found(external(label, entries, expected));
  }
  if (hasRaw(source)) {
    if (typed !== undefined) throw contradiction(of, `raw_data and ${typed}`);
    return found(source.rawData ?? new Uint8Array());
  }
  return typed === undefined ? found(new Uint8Array()) : found(packTyped(source, dtype, typed, dims, of));
}

function decodeStrings(
  source: onnx.ITensorProto,
  dims: readonly number[],
  of: string,
): Pick<Tensor, 'bytes' | 'strings'> {
  const strings = source.stringData ?? [];
  if (hasRaw(source) || source.dataLocation === proto.TensorProto.DataLocation.EXTERNAL) {
    throw contradiction(of, 'strings outside string_data');
  }
  const expected = elementCount(dims);
  if (strings.length === expected) return { bytes: new Uint8Array(), strings };
  throw contradiction(of, `${strings.length} strings where [${dims.join(', ')}] needs ${expected}`);
}

const hasRaw = (source: onnx.ITensorProto): boolean => (source.rawData?.length ?? 0) > 0;

function decodeDims(source: onnx.ITensorProto, of: string): number[] {
  const dims = (source.dims ?? []).map((dim) => fromInt64(dim) ?? -1);
  if (dims.length > MAX_RANK)
    throw new WaysideError('MODEL_TOO_LARGE', { message: `${of} has ${dims.length} dimensions` });
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(elementCount(dims.map((dim) => Math.max(dim, 1))))) {
    throw new WaysideError('MODEL_INVALID', { message: `${of} has the dimensions [${dims.join(', ')}]` });
  }
  return dims;
}

const TYPED_FIELDS = ['floatData', 'int32Data', 'int64Data', 'doubleData', 'uint64Data', 'stringData'] as const;
type TypedField = (typeof TYPED_FIELDS)[number];

function typedField(source: onnx.ITensorProto, of: string): TypedField | undefined {
  const present = TYPED_FIELDS.filter((field) => (source[field]?.length ?? 0) > 0);
  if (present.length > 1) throw contradiction(of, present.join(' and '));
  return present[0];
}

/** Types with a raw form. */
type Stored = Exclude<KnownDataType, 'string'>;

/** Which field carries which type, as in the comments of TensorProto in onnx.proto. */
const FIELD_OF: Readonly<Record<Stored, TypedField>> = {
  float32: 'floatData',
  float64: 'doubleData',
  int64: 'int64Data',
  uint32: 'uint64Data',
  uint64: 'uint64Data',
  int32: 'int32Data',
  int16: 'int32Data',
  uint16: 'int32Data',
  int8: 'int32Data',
  uint8: 'int32Data',
  bool: 'int32Data',
  complex64: 'floatData',
  complex128: 'doubleData',
  float8e4m3fn: 'int32Data',
  float8e4m3fnuz: 'int32Data',
  float8e5m2: 'int32Data',
  float8e5m2fnuz: 'int32Data',
  float8e8m0: 'int32Data',
  float4e2m1: 'int32Data',
  float16: 'int32Data',
  bfloat16: 'int32Data',
  int4: 'int32Data',
  uint4: 'int32Data',
  int2: 'int32Data',
  uint2: 'int32Data',
};

/** Sub-byte types lie in `int32_data` one packed byte an entry, complex numbers in two entries each; all others one element an entry. */
function packTyped(
  source: onnx.ITensorProto,
  dtype: Stored,
  field: TypedField,
  dims: readonly number[],
  of: string,
): Uint8Array {
  const values: ArrayLike<unknown> = source[field] ?? [];
  const parts = dtype.startsWith('complex') ? 2 : 1;
  const expected = BITS[dtype] < 8 ? byteLength(dtype, dims) : elementCount(dims) * parts;
  if (FIELD_OF[dtype] !== field) throw contradiction(of, `type ${dtype} and its values in ${field}`);
  if (values.length !== expected) {
    throw contradiction(of, `${values.length} values where ${dtype}[${dims.join(', ')}] needs ${expected}`);
  }
  const size = Math.max(BITS[dtype] / 8 / parts, 1);
  const bytes = new Uint8Array(expected * size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < expected; i++) {
    const value = values[i];
    if (field === 'floatData') view.setFloat32(i * 4, Number(value), true);
    else if (field === 'doubleData') view.setFloat64(i * 8, Number(value), true);
    else if (field === 'int32Data') setInteger(view, i * size, size, Number(value), of);
    else {
      const { low, high } = value as Long;
      view.setInt32(i * size, low, true);
      if (size === 8) view.setInt32(i * size + 4, high, true);
      else if (high !== 0) throw contradiction(of, `a value that does not fit ${dtype}`);
    }
  }
  return bytes;
}

/** Refuses a value that would lose bits: [-2^(n-1), 2^n) are the signed and unsigned readings of n bits. */
function setInteger(view: DataView, at: number, size: number, value: number, of: string): void {
  if (value < -(2 ** (8 * size - 1)) || value >= 2 ** (8 * size)) {
    throw contradiction(of, `the value ${value}, which does not fit ${size} bytes`);
  }
  if (size === 1) view.setInt8(at, value);
  else if (size === 2) view.setInt16(at, value, true);
  else view.setInt32(at, value, true);
}

function contradiction(of: string, what: string): WaysideError {
  return new WaysideError('MODEL_INVALID', { message: `${of} has ${what}` });
}
