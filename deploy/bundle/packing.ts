/** How the codes of a layer are packed into the bytes of the file. */
export interface Packing {
  /** Bits of a code. */
  readonly bits: 1 | 2 | 4 | 8;
  /**
   * `consecutive`: neighbours share a byte, low bits first (ONNX, sub-byte types). `planes`: of n bytes, code p * n + i
   * lies in bits p * width of byte i, which ONNX Runtime unpacks with shifts of the whole.
   */
  readonly order: 'consecutive' | 'planes';
  /** Two's complement: symbols are shifted so that they ascend with the weight. */
  readonly signed: boolean;
}

export const packedLength = (codes: number, { bits }: Packing): number => Math.ceil((codes * bits) / 8);

interface Place {
  readonly byte: number;
  readonly shift: number;
}

function placeOf(position: number, length: number, { bits, order }: Packing): Place {
  const perByte = 8 / bits;
  return order === 'consecutive'
    ? { byte: Math.floor(position / perByte), shift: (position % perByte) * bits }
    : { byte: position % length, shift: Math.floor(position / length) * bits };
}

const signBit = ({ bits, signed }: Packing): number => (signed ? 2 ** (bits - 1) : 0);

/** One symbol a code, 0 to 2^bits - 1. */
export function unpackCodes(bytes: Uint8Array, count: number, packing: Packing): Uint8Array {
  const flip = signBit(packing);
  const symbols = new Uint8Array(count);
  if (packing.bits === 8) {
    for (let i = 0; i < count; i++) symbols[i] = bytes[i]! ^ flip;
    return symbols;
  }
  const mask = 2 ** packing.bits - 1;
  for (let i = 0; i < count; i++) {
    const { byte, shift } = placeOf(i, bytes.length, packing);
    symbols[i] = ((bytes[byte]! >> shift) & mask) ^ flip;
  }
  return symbols;
}

/** The inverse; bits that no code takes are zero. */
export function packCodes(symbols: Uint8Array, packing: Packing): Uint8Array {
  const flip = signBit(packing);
  const bytes = new Uint8Array(packedLength(symbols.length, packing));
  for (let i = 0; i < symbols.length; i++) {
    const { byte, shift } = placeOf(i, bytes.length, packing);
    bytes[byte]! |= (symbols[i]! ^ flip) << shift;
  }
  return bytes;
}
