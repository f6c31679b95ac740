import { elementCount, type Tensor } from './tensor.ts';

/** Words of the bitmap of one page: a page is the 2^16 patterns that share their upper 16 bits. */
const PAGE_WORDS = 2 ** 16 / 32;
const NEGATIVE_ZERO = 0x8000_0000;

/**
 * Counts different 32-bit patterns as a stream, exactly. A Set ends at 2^24 values (`Set maximum size exceeded`), fewer than a large layer
 * has weights, and a sorted copy takes as much memory again as the weights. The bitmap has a page of 8 kB for each upper half that was
 * seen: 30 MB for the floats of trained weights, 512 MB at the very most, however many they are.
 */
export class DistinctPatterns {
  readonly #pages: (Uint32Array | undefined)[] = [];
  #count = 0;

  /** Different patterns so far. */
  get count(): number {
    return this.#count;
  }

  /** Different float32 values, where patterns are those of floats: 0 and -0 are one value. */
  get floats(): number {
    return this.#count - (this.#has(0) && this.#has(NEGATIVE_ZERO) ? 1 : 0);
  }

  add(patterns: Uint32Array): this {
    const pages = this.#pages;
    let added = 0;
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i]!;
      let page = pages[pattern >>> 16];
      if (page === undefined) {
        page = new Uint32Array(PAGE_WORDS);
        pages[pattern >>> 16] = page;
      }
      const word = (pattern & 0xffff) >>> 5;
      const bit = 1 << (pattern & 31);
      if ((page[word]! & bit) !== 0) continue;
      page[word]! |= bit;
      added++;
    }
    this.#count += added;
    return this;
  }

  addFloats(values: Float32Array): this {
    return this.add(new Uint32Array(values.buffer, values.byteOffset, values.length));
  }

  #has(pattern: number): boolean {
    const page = this.#pages[pattern >>> 16];
    return page !== undefined && (page[(pattern & 0xffff) >>> 5]! & (1 << (pattern & 31))) !== 0;
  }
}

/**
 * Up to here a sorted copy is quicker than pages: upper halves differ almost from weight to weight. 4,608 normal weights need 1,384 pages,
 * 11 MB, and 3.5 ms instead of 0.5 ms; a million are alike quick in either way.
 */
const SORTED = 2 ** 18;

/** Different float32 values of an array. */
export function distinctFloats(values: Float32Array): number {
  if (values.length > SORTED) return new DistinctPatterns().addFloats(values).floats;
  const patterns = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const count = distinctSorted(patterns);
  return count - (patterns.includes(0) && patterns.includes(NEGATIVE_ZERO) ? 1 : 0);
}

const SUB_BYTE_BITS: Readonly<Record<string, number>> = { uint4: 4, int4: 4, float4e2m1: 4, uint2: 2, int2: 2 };

/** Different elements of a tensor, told apart by their bytes; sub-byte types are unpacked low bits first. */
export function distinctElements({ dtype, dims, bytes }: Tensor): number {
  const count = elementCount(dims);
  const bits = SUB_BYTE_BITS[dtype] ?? (count === 0 ? 8 : (8 * bytes.length) / count);
  if (bits === 32) return new DistinctPatterns().add(viewOf(Uint32Array, bytes, count)).count;
  if (bits === 64) return distinctSorted(viewOf(BigUint64Array, bytes, count));
  if (bits > 64) return count; // complex numbers of 64-bit parts: no layer has such weights
  const seen = new Uint8Array(2 ** bits);
  if (bits === 16) for (const value of viewOf(Uint16Array, bytes, count)) seen[value] = 1;
  else {
    const perByte = 8 / bits;
    const mask = 2 ** bits - 1;
    for (let i = 0; i < count; i++) seen[(bytes[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & mask] = 1;
  }
  return seen.reduce((sum, each) => sum + each, 0);
}

interface ViewOf<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
}

/** Copies only where the bytes are not aligned. */
function viewOf<T>(View: ViewOf<T>, bytes: Uint8Array, count: number): T {
  const aligned = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new View(aligned.buffer, aligned.byteOffset, count);
}

/** Different entries, by a sorted copy: weights of 64 bits are rare enough for it, and small layers small enough. */
function distinctSorted(values: BigUint64Array | Uint32Array): number {
  const sorted = values.slice().sort();
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) count++;
  return count;
}
