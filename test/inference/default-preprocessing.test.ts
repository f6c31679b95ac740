import { describe, expect, it } from 'vitest';
import { defaultPreprocessing } from '../../inference/default-preprocessing.ts';
import { Preprocessing } from '../../inference/preprocess.ts';

describe('defaultPreprocessing', () => {
  it('stretches small inputs and crops photographs as ImageNet evaluations do', () => {
    expect(defaultPreprocessing(['N', 3, 32, 32])).toMatchObject({
      size: [32, 32],
      resize: 'stretch',
      crop: 'none',
      mean: [0.485, 0.456, 0.406],
    });
    expect(defaultPreprocessing([1, 3, 224, 224])).toMatchObject({ resize: { shorterSide: 256 }, crop: 'center' });
    expect(defaultPreprocessing([1, 3, 227, 227])).toMatchObject({ resize: { shorterSide: 256 } });
    expect(Preprocessing.safeParse(defaultPreprocessing([1, 3, 299, 299])).success).toBe(true);
  });

  it('needs a size where the model leaves it open, and refuses one that contradicts the model', () => {
    expect(() => defaultPreprocessing(['N', 3, 'H', 'W'])).toThrow(
      expect.objectContaining({ code: 'PREPROCESS_MISMATCH' }),
    );
    expect(defaultPreprocessing(['N', 3, 'H', 'W'], { size: [48, 48] }).size).toEqual([48, 48]);
    expect(() => defaultPreprocessing([1, 3, 32, 32], { size: [64, 64] })).toThrow(/takes 32x32/);
    expect(() => defaultPreprocessing([1, 1, 28, 28])).toThrow(/expected an input/);
  });
});
