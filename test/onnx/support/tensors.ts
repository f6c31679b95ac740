import { float32Tensor, int64Tensor, type Tensor } from '../../../onnx/tensor.ts';

/** A list of whole numbers, as shapes and axes are given. */
export const i64 = (...values: number[]): Tensor => int64Tensor([values.length], values);

/** Zeros: only its shape matters. */
export const weight = (...dims: number[]): Tensor =>
  float32Tensor(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));
