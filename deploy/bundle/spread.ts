const difference = (symbol: number, known: number, bits: number): number =>
  (symbol - known + 2 ** (bits - 1)) & (2 ** bits - 1);

/** Mean distance of symbols from the middle, of their differences where something is known: whole, 1 to 128. */
export function meanDistance(symbols: Uint8Array, bits: number, known?: Uint8Array): number {
  const middle = 2 ** (bits - 1);
  let sum = 0;
  for (let i = 0; i < symbols.length; i++) {
    const symbol = known === undefined ? symbols[i]! : difference(symbols[i]!, known[i]!, bits);
    sum += Math.abs(symbol - middle);
  }
  return Math.max(1, Math.min(128, Math.round(sum / symbols.length)));
}

/** Bits a symbol where each costs what its frequency says. */
function entropy(counts: Float64Array, total: number): number {
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
  return bits;
}

/**
 * Whether the differences from what is known have less entropy than the symbols. Decided by the writer alone: the last
 * bits of a logarithm do not matter to a reader.
 */
export function cheaperAsDifference(symbols: Uint8Array, known: Uint8Array, bits: number): boolean {
  const [alone, apart] = [new Float64Array(2 ** bits), new Float64Array(2 ** bits)];
  for (let i = 0; i < symbols.length; i++) {
    alone[symbols[i]!]!++;
    apart[difference(symbols[i]!, known[i]!, bits)]!++;
  }
  return entropy(apart, symbols.length) < entropy(alone, symbols.length);
}
