import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DistinctPatterns, distinctElements, distinctFloats } from '../../onnx/distinct.ts';
import { float32Tensor, int8Tensor } from '../../onnx/tensor.ts';

describe('distinct values', () => {
  it('are those of a set', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true }), (values) => {
        expect(distinctFloats(values)).toBe(new Set(values).size);
      }),
    );
  });

  it('of several arrays are those of all together', () => {
    fc.assert(
      fc.property(fc.array(fc.float32Array({ noNaN: true })), (parts) => {
        const seen = new DistinctPatterns();
        for (const part of parts) seen.addFloats(part);
        expect(seen.floats).toBe(new Set(parts.flatMap((part) => [...part])).size);
      }),
    );
  });

  it('may be more than the 2^24 that a Set can hold', () => {
    const patterns = new Uint32Array(2 ** 24 + 3);
    for (let i = 0; i < patterns.length; i++) patterns[i] = i + 0x3f00_0000;
    expect(new DistinctPatterns().add(patterns).add(patterns).count).toBe(patterns.length);
  });

  it('of a tensor are told apart by their bytes, wherever these begin', () => {
    const floats = float32Tensor([5], Float32Array.of(1, -0, 0, 1, Number.NaN));
    const shifted = new Uint8Array(21);
    shifted.set(floats.bytes, 1);
    expect(distinctElements(floats)).toBe(4);
    expect(distinctElements({ ...floats, bytes: shifted.subarray(1) })).toBe(4);
    expect(distinctElements(int8Tensor([4], Int8Array.of(-1, 1, -1, 0)))).toBe(3);
    expect(distinctElements({ dtype: 'uint4', dims: [3], bytes: Uint8Array.of(0x21, 0x02) })).toBe(2);
    expect(distinctElements({ dtype: 'float16', dims: [3], bytes: Uint8Array.of(0, 60, 0, 60, 1, 60) })).toBe(2);
    const longs = new BigUint64Array([1n, 2n ** 60n, 1n]);
    expect(distinctElements({ dtype: 'int64', dims: [3], bytes: new Uint8Array(longs.buffer) })).toBe(2);
    expect(distinctElements({ dtype: 'float32', dims: [0], bytes: new Uint8Array(0) })).toBe(0);
  });
});
