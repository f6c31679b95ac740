import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodeCoder, type CodeShape, type Reference } from '../../../deploy/bundle/codes.ts';
import { squash, stretch } from '../../../deploy/bundle/logistic.ts';
import { packCodes, packedLength, unpackCodes } from '../../../deploy/bundle/packing.ts';
import { RangeDecoder, RangeEncoder } from '../../../deploy/bundle/range-coder.ts';

interface Layer {
  readonly shape: CodeShape;
  readonly symbols: Uint8Array;
  readonly spread: number;
  readonly reference?: Reference;
}

const layer: fc.Arbitrary<Layer> = fc
  .record({
    bits: fc.integer({ min: 1, max: 8 }),
    rows: fc.integer({ min: 1, max: 6 }),
    columns: fc.integer({ min: 1, max: 9 }),
    kernelWidth: fc.integer({ min: 1, max: 5 }),
    lines: fc.integer({ min: 1, max: 5 }),
    spread: fc.integer({ min: 1, max: 128 }),
    use: fc.constantFrom<(Reference['use'] | undefined)[]>(undefined, 'difference', 'context'),
  })
  .chain(({ bits, rows, columns, kernelWidth, lines, spread, use }) => {
    const kernel = kernelWidth * lines;
    const length = rows * columns * kernel;
    const symbols = fc.uint8Array({ minLength: length, maxLength: length, max: 2 ** bits - 1 });
    return fc.record({ symbols, known: symbols }).map((drawn) => ({
      shape: { bits, columns, kernel, kernelWidth },
      symbols: drawn.symbols,
      spread,
      ...(use !== undefined && { reference: { symbols: drawn.known, use } }),
    }));
  });

function encode(layers: readonly Layer[]): Uint8Array {
  const encoder = new RangeEncoder();
  const coder = new CodeCoder();
  for (const { symbols, shape, spread, reference } of layers)
    for (const _ of coder.code(encoder, symbols.slice(), shape, spread, reference));
  return encoder.finish();
}

function decode(
  bytes: Uint8Array,
  layers: readonly Omit<Layer, 'symbols'>[],
  lengths: readonly number[],
): Uint8Array[] {
  const decoder = new RangeDecoder(bytes);
  const coder = new CodeCoder();
  const all = layers.map(({ shape, spread, reference }, i) => {
    const symbols = new Uint8Array(lengths[i]!);
    for (const _ of coder.code(decoder, symbols, shape, spread, reference));
    return symbols;
  });
  decoder.finish();
  return all;
}

const lengthsOf = (layers: readonly Layer[]): number[] => layers.map(({ symbols }) => symbols.length);

describe('the coder of weights', () => {
  it('gives back what it was given: any alphabet, shape and reference, several layers in one stream', () => {
    fc.assert(
      fc.property(fc.array(layer, { minLength: 1, maxLength: 3 }), (layers) => {
        const decoded = decode(encode(layers), layers, lengthsOf(layers));
        expect(decoded).toEqual(layers.map(({ symbols }) => symbols));
      }),
      { numRuns: 60 },
    );
  });

  it('ends with BUNDLE_INVALID on bytes that are cut off or left over, and never later than they last', () => {
    fc.assert(
      fc.property(layer, fc.nat(), (one, cut) => {
        const bytes = encode([one]);
        const short = bytes.subarray(0, cut % bytes.length);
        expect(() => decode(short, [one], lengthsOf([one]))).toThrow(/end too early/);
        const long = Uint8Array.from([...bytes, 0]);
        expect(() => decode(long, [one], lengthsOf([one]))).toThrow(/left over/);
      }),
      { numRuns: 30 },
    );
  });

  it('reads a few bytes no further than they can reach: 23,000 decisions a byte', () => {
    const shape = { bits: 8, columns: 1000, kernel: 1, kernelWidth: 1 };
    const bomb = new Uint8Array(8);
    expect(() => decode(bomb, [{ shape, spread: 1 }], [1_000_000])).toThrow(/end too early/);
  });

  it('remembers no more columns than it says', () => {
    const shape = { bits: 2, columns: 70_001, kernel: 1, kernelWidth: 1 };
    const symbols = Uint8Array.from({ length: 2 * 70_001 }, (_, i) => (i * 31) % 3);
    expect(decode(encode([{ shape, symbols, spread: 1 }]), [{ shape, spread: 1 }], [symbols.length])).toEqual([
      symbols,
    ]);
  });

  it('finds structure: what repeats, and what follows the parent', () => {
    const shape = { bits: 4, columns: 64, kernel: 9, kernelWidth: 3 };
    const symbols = Uint8Array.from({ length: 64 * 64 * 9 }, (_, i) => (i * 7919) % 13);
    const alone = encode([{ shape, spread: 4, symbols: new Uint8Array(symbols.length).fill(5) }]);
    expect(alone.length).toBeLessThan(symbols.length / 200);
    const reference = { symbols, use: 'difference' as const };
    expect(encode([{ shape, spread: 1, symbols, reference }]).length).toBeLessThan(symbols.length / 200);
  });
});

describe('the logistic tables', () => {
  it("rise, and are each other's inverse to a step", () => {
    for (let logit = -11; logit < 11; logit += 0.25) {
      expect(squash(logit)).toBeLessThanOrEqual(squash(logit + 0.25));
      if (Math.abs(logit) < 6) expect(stretch(squash(logit))).toBeCloseTo(logit, 0);
      expect(squash(logit) / 65536).toBeCloseTo(1 / (1 + Math.exp(-logit)), 2);
    }
    expect(squash(0)).toBe(32768);
    expect(stretch(32768)).toBeCloseTo(0, 2);
  });
});

describe('packed codes', () => {
  it('come back as they were, in every width and order', () => {
    const packing = fc.record({
      bits: fc.constantFrom<(1 | 2 | 4 | 8)[]>(1, 2, 4, 8),
      order: fc.constantFrom<('consecutive' | 'planes')[]>('consecutive', 'planes'),
      signed: fc.boolean(),
    });
    fc.assert(
      fc.property(packing, fc.uint8Array({ minLength: 1, maxLength: 64 }), (how, bytes) => {
        const count = (bytes.length * 8) / how.bits;
        expect(packedLength(count, how)).toBe(bytes.length);
        expect(packCodes(unpackCodes(bytes, count, how), how)).toEqual(bytes);
      }),
    );
  });

  it('ascend with the weight', () => {
    const signed = { bits: 8, order: 'consecutive', signed: true } as const;
    expect([...unpackCodes(Uint8Array.from([0x80, 0xff, 0, 0x7f]), 4, signed)]).toEqual([0, 127, 128, 255]);
  });
});
