import { narrow } from '../../core/narrow.ts';
import { int, string } from '../../onnx/attributes.ts';
import type { GraphBuilder } from '../../onnx/build.ts';
import { int8Tensor, type Tensor, uint8Tensor } from '../../onnx/tensor.ts';
import { DATA_TYPES } from '../../onnx/types.ts';

/** How a layer's codes lie in the file. All but `int8` are folded to int8 when the session loads. */
type WeightForm = 'int8' | 'uint2' | 'uint4' | 'planes';

/** Codes as stored, `[dims]` row-major, and the codebook of each group of consecutive output channels. */
export interface StoredCodes {
  readonly dims: readonly number[];
  readonly codes: Int8Array;
  /** Ascending; empty for weights that were not clustered. */
  readonly codebooks: readonly Int8Array[];
  /** Bits of an index: those of the number of clusters asked for, so that all layers need the same operator set. */
  readonly indexBits: number;
}

/** Lowest operator set that has what a form needs: UINT2 tensors, UINT4 tensors, BitwiseAnd. */
export const OPSET_OF_FORM: Readonly<Record<WeightForm, number>> = { int8: 13, planes: 18, uint4: 21, uint2: 25 };

/** Bytes of names, nodes and shapes around the indices, as written by `storeCodes`. */
const OVERHEAD: Readonly<Record<WeightForm, number>> = { int8: 0, uint2: 70, uint4: 70, planes: 330 };

export const indexBitsFor = (clusters: number): number => Math.max(1, Math.ceil(Math.log2(clusters)));

/**
 * The smallest form for a layer. 2 and 4 bits have tensor types of their own. Other widths are split into planes of 1, 2 and 4
 * bits packed in uint8 (6 bits: 4 + 2), so that 64 clusters take three quarters of plain int8 and not as much as it.
 * 8 bits of index would be no smaller than the int8 codes themselves: those are written as they are.
 */
export function weightForm({ codes, codebooks, indexBits }: StoredCodes): WeightForm {
  if (codebooks.length === 0 || indexBits >= 8) return 'int8';
  const form = indexBits === 2 ? 'uint2' : indexBits === 4 ? 'uint4' : 'planes';
  const packable = form !== 'planes' || codes.length % 8 === 0;
  const bytes =
    (codes.length * indexBits) / 8 + OVERHEAD[form] + codebooks.reduce((sum, { length }) => sum + length, 0);
  return packable && bytes < codes.length ? form : 'int8';
}

/** Writes codes into the graph and returns the name of the int8 value `[dims]`. */
export function storeCodes(builder: GraphBuilder, stored: StoredCodes): string {
  const { dims, codes, codebooks } = stored;
  const form = weightForm(stored);
  if (form === 'int8') return builder.shared(int8Tensor(dims, codes));
  const indices = indicesOf(codes, codebooks);
  const grouped = codebooks.length > 1;
  const shape = grouped ? [codebooks.length, codes.length / codebooks.length] : dims;
  const wide = builder.op('Cast', [storeIndices(builder, indices, shape, form, stored.indexBits)], {
    to: int(DATA_TYPES.int32),
  });
  const book = builder.shared(codebookTensor(codebooks));
  if (!grouped) return builder.op('Gather', [book, wide]);
  const gathered = builder.op('GatherElements', [book, wide], { axis: int(1) });
  return builder.op('Reshape', [gathered, builder.ints(dims)]);
}

/** `[k]`, or `[groups, k]` padded with the last code, which no index names. */
function codebookTensor(codebooks: readonly Int8Array[]): Tensor {
  const width = Math.max(...codebooks.map(({ length }) => length));
  const values = Int8Array.from({ length: width * codebooks.length }, (_, i) => {
    const book = codebooks[Math.floor(i / width)]!;
    return book[Math.min(i % width, book.length - 1)]!;
  });
  return int8Tensor(codebooks.length === 1 ? [width] : [codebooks.length, width], values);
}

/** Position of each code in the codebook of its group. */
export function indicesOf(codes: Int8Array, codebooks: readonly Int8Array[]): Uint8Array {
  const positions = codebooks.map((book) => new Map(Array.from(book, (code, i) => [code, i])));
  const perGroup = codes.length / codebooks.length;
  // A code that its codebook lacks is no position: a Uint8Array would store 0 for it.
  const positionOf = (i: number): number => positions[Math.floor(i / perGroup)]?.get(codes[i]!) ?? Number.NaN;
  return narrow('uint8', codes.length, positionOf, 'the codebook indices of a layer');
}

function storeIndices(
  builder: GraphBuilder,
  indices: Uint8Array,
  dims: readonly number[],
  form: WeightForm,
  bits: number,
): string {
  if (form === 'uint4' || form === 'uint2') {
    return builder.shared({ dtype: form, dims, bytes: packBits(indices, form === 'uint4' ? 4 : 2) });
  }
  const shape = builder.ints(dims);
  let joined = '';
  let shift = bits;
  for (const width of [4, 2, 1].filter((each) => (bits & each) !== 0)) {
    shift -= width;
    const plane = indices.map((index) => (index >> shift) & (2 ** width - 1));
    let value = builder.op('Reshape', [unpack(builder, plane, width), shape]);
    if (shift > 0) value = builder.op('BitShift', [value, scalar(builder, shift)], { direction: string('LEFT') });
    joined = joined === '' ? value : builder.op('BitwiseOr', [joined, value]);
  }
  return joined;
}

const scalar = (builder: GraphBuilder, value: number): string => builder.shared(uint8Tensor([], Uint8Array.of(value)));

/** One packed row shifted by every multiple of the width at once: `[1, n] >> [8 / width, 1]` gives `[8 / width, n]`. */
function unpack(builder: GraphBuilder, plane: Uint8Array, width: number): string {
  const parts = 8 / width;
  const packed = uint8Tensor([1, plane.length / parts], packPlane(plane, width));
  const shifts = uint8Tensor(
    [parts, 1],
    Uint8Array.from({ length: parts }, (_, i) => i * width),
  );
  const shifted = builder.op('BitShift', [builder.shared(packed), builder.shared(shifts)], {
    direction: string('RIGHT'),
  });
  return builder.op('BitwiseAnd', [shifted, scalar(builder, 2 ** width - 1)]);
}

/** Element i of part p, at p * n + i, lies in bits p * width of byte i. @returns `[length * width / 8]` */
export function packPlane(plane: Uint8Array, width: number): Uint8Array {
  const parts = 8 / width;
  const bytes = new Uint8Array(plane.length / parts);
  for (let p = 0; p < parts; p++)
    for (let i = 0; i < bytes.length; i++) bytes[i]! |= plane[p * bytes.length + i]! << (p * width);
  return bytes;
}

/** ONNX packing of sub-byte types: consecutive elements in one byte, low bits first, zeros at the end. */
export function packBits(values: Uint8Array, width: 2 | 4): Uint8Array {
  const perByte = 8 / width;
  const bytes = new Uint8Array(Math.ceil(values.length / perByte));
  for (let i = 0; i < values.length; i++) bytes[Math.floor(i / perByte)]! |= values[i]! << ((i % perByte) * width);
  return bytes;
}
