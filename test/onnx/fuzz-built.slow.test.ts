import { it } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { mutate } from './support/mutate.ts';
import { mutateStructure } from './support/mutate-structure.ts';
import { outcomeOf } from './support/outcome.ts';
import { variety } from './support/variety.ts';

it('a built model in thirty thousand broken variants', () => {
  const bytes = encodeModel(variety());
  for (let seed = 0; seed < 30_000; seed++) {
    const random = seededRandom(seed);
    const mutant = seed % 2 === 0 ? mutateStructure(bytes, random, 1 + random.below(4)) : mutate(bytes, random).bytes;
    try {
      outcomeOf(mutant);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});
