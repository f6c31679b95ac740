import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import { collectGarbage } from '../support/garbage.ts';
import { describeWith, sharedData } from '../support/requirements.ts';
import { until } from '../support/until.ts';
import { mutate } from './support/mutate.ts';
import { mutateStructure } from './support/mutate-structure.ts';
import { outcomeOf } from './support/outcome.ts';

const REAL = [
  'yolox_nano.onnx',
  'resnet-cifar10/resnet20-cifar10.onnx',
  'resnet-cifar10/resnet56-cifar10.onnx',
  'squeezenet/squeezenet_v1.0_deepcompression_fp32.onnx',
];

/** Each: a third is broken by meaning, more than half near the ends of the file, one in twelve anywhere, which is mostly a weight. */
const SEEDS = 2000;

const held = (): number => {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const MODELS = join(sharedData() ?? '', 'models');

describeWith({ needs: ['data'] }, 'mutated real models', () => {
  it.each(REAL)('%s: a valid model or a code, in bounded memory', async (file) => {
    const before = held();
    const bytes = readFileSync(join(MODELS, file));
    const outcomes = new Map<string, number>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = seededRandom(seed);
      const mutant =
        seed % 3 === 0
          ? { name: 'structure', bytes: mutateStructure(bytes, random, 1 + random.below(3)) }
          : mutate(bytes, random, 8);
      try {
        const outcome = outcomeOf(mutant.bytes, MODELS);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${mutant.name}`, { cause });
      }
    }
    console.log(file, Object.fromEntries(outcomes));
    expect(outcomes.get('MODEL_DECODE')).toBeGreaterThan(0);
    // A mutant of 5 MB with its copies is 25 MB. Native memory is released some turns after its collection.
    await until('what mutants took to be let go', () => held() - before < 60e6);
    console.log(process.resourceUsage().maxRSS / 2 ** 20);
  });
});
