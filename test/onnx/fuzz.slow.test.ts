import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { mutate } from './support/mutate.ts';
import { mutateStructure } from './support/mutate-structure.ts';
import { outcomeOf } from './support/outcome.ts';
import { resnet } from './support/resnet.ts';
import { variety } from './support/variety.ts';

describe('hostile model bytes', () => {
  const small = encodeModel(variety());

  it('are refused with a code when cut off anywhere', () => {
    // Metadata comes last, and a file without it is a model too.
    const bytes = encodeModel({ ...variety(), metadata: new Map() });
    for (let length = 0; length < bytes.length; length++) {
      const outcome = outcomeOf(bytes.subarray(0, length));
      expect(outcome, `cut to ${length} bytes`).not.toBe('model');
    }
  });

  it('give a valid model or a code when any single bit is flipped', () => {
    const seen = new Set<string>();
    for (let bit = 0; bit < small.length * 8; bit++) {
      const copy = Uint8Array.from(small);
      copy[bit >> 3]! ^= 1 << (bit & 7);
      seen.add(outcomeOf(copy));
    }
    expect([...seen]).toContain('model');
    expect([...seen]).toContain('MODEL_DECODE');
    expect([...seen]).toContain('MODEL_INVALID');
  });

  it.each([
    ['a model with every kind of field', small, 3000],
    ['a small ResNet', encodeModel(resnet(1, [4, 8])), 1500],
  ])('give a valid model or a code: %s', (_, bytes, runs) => {
    for (let seed = 0; seed < runs; seed++) {
      const mutant = mutate(bytes, seededRandom(seed));
      expect(() => outcomeOf(mutant.bytes), `seed ${seed}: ${mutant.name}`).not.toThrow();
    }
  });

  it.each([
    ['a model with every kind of field', small, 3000],
    ['a small ResNet', encodeModel(resnet(1, [4, 8])), 1500],
  ])('that are well formed and say nonsense: %s', (_, bytes, runs) => {
    const seen = new Set<string>();
    for (let seed = 0; seed < runs; seed++) {
      const random = seededRandom(seed);
      const mutant = mutateStructure(bytes, random, 1 + random.below(3));
      try {
        seen.add(outcomeOf(mutant));
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    expect([...seen]).toEqual(expect.arrayContaining(['MODEL_INVALID', 'SHAPE_INFERENCE', 'model']));
  });
});
