import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import { describeWith, sharedData } from '../support/requirements.ts';
import { mutate } from './support/mutate.ts';
import { mutateStructure } from './support/mutate-structure.ts';
import { outcomeOf } from './support/outcome.ts';

const REAL = [
  'yolox_nano.onnx',
  'resnet-cifar10/resnet20-cifar10.onnx',
  'resnet-cifar10/resnet56-cifar10.onnx',
  'squeezenet/squeezenet_v1.0_deepcompression_fp32.onnx',
];

const MODELS = join(sharedData() ?? '', 'models');

describeWith({ needs: ['data'] }, 'mutated real models', () => {
  it.each(REAL)('%s: a valid model or a code, in bounded memory', (file) => {
    const bytes = readFileSync(join(MODELS, file));
    const outcomes = new Map<string, number>();
    for (let seed = 0; seed < 3000; seed++) {
      const random = seededRandom(seed);
      const mutant =
        seed % 3 === 0
          ? { name: 'structure', bytes: mutateStructure(bytes, random, 1 + random.below(3)) }
          : mutate(bytes, random);
      try {
        const outcome = outcomeOf(mutant.bytes, MODELS);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${mutant.name}`, { cause });
      }
    }
    console.log(file, Object.fromEntries(outcomes));
    expect(outcomes.get('MODEL_DECODE')).toBeGreaterThan(0);
    // Four mutants of 5 MB with their copies are 100 MB; the rest is what the collector has not got round to.
    expect(process.memoryUsage().rss).toBeLessThan(2 ** 30);
  });
});
