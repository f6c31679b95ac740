import type { DataType } from './types.ts';
import { BITS } from './types.ts';

/**
 * A constant. `bytes` are ONNX `raw_data`: little endian, row-major, sub-byte types packed low bits first.
 * Shared by reference: nobody writes into it after it was made.
 */
export interface Tensor {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
  /** The elements of a string tensor, in UTF-8 or not; its `bytes` are empty. */
  readonly strings?: readonly Uint8Array[];
}

export const elementCount = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

/** Bytes that a tensor of this type and shape occupies. */
export const byteLength = (dtype: DataType, dims: readonly number[]): number =>
  Math.ceil((elementCount(dims) * BITS[dtype]) / 8);

/** Copies only where the bytes are not aligned for the view (`slice` of a Node Buffer would not copy). */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
}

const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

export const float32Tensor = (dims: readonly number[], values: Float32Array): Tensor => ({
  dtype: 'float32',
  dims,
  bytes: bytesOf(values),
});
export const int8Tensor = (dims: readonly number[], values: Int8Array): Tensor => ({
  dtype: 'int8',
  dims,
  bytes: bytesOf(values),
});
export const uint8Tensor = (dims: readonly number[], values: Uint8Array): Tensor => ({
  dtype: 'uint8',
  dims,
  bytes: bytesOf(values),
});
export const int32Tensor = (dims: readonly number[], values: Int32Array): Tensor => ({
  dtype: 'int32',
  dims,
  bytes: bytesOf(values),
});
export const int64Tensor = (dims: readonly number[], values: readonly number[]): Tensor => ({
  dtype: 'int64',
  dims,
  bytes: bytesOf(BigInt64Array.from(values, saturated)),
});

/** Axes, shapes and pads, as operators take them. */
export const int64Vector = (values: readonly number[]): Tensor => int64Tensor([values.length], values);

/** One number, of no dimension. */
export const float32Scalar = (value: number): Tensor => float32Tensor([], Float32Array.of(value));

/**
 * 2^63 - 1, as exporters write "to the end", reads as the number 2^63 and must not wrap around on its way back; no more may
 * -infinity, "from the start", which is below -2^63.
 */
const saturated = (value: number): bigint =>
  value >= 2 ** 63 ? 2n ** 63n - 1n : value < -(2 ** 63) ? -(2n ** 63n) : BigInt(value);

/** View of a float32 tensor. */
export function asFloat32(tensor: Tensor): Float32Array {
  const bytes = aligned(tensor.bytes, 4);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** View of an int32 tensor. */
export function asInt32(tensor: Tensor): Int32Array {
  const bytes = aligned(tensor.bytes, 4);
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** The values of an int64 tensor as numbers: shapes, axes and indices, all far below 2^53. */
export function asIntegers(tensor: Tensor): number[] {
  if (tensor.dtype === 'int32') return Array.from(asInt32(tensor));
  const bytes = aligned(tensor.bytes, 8);
  return Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8), Number);
}
