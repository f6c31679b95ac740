import { describe, expect, it } from 'vitest';
import { insertBatchNorm } from '../../../compression/training/insert-batch-norm.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { checkModel } from '../../../onnx/check.ts';
import type { Model } from '../../../onnx/graph.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { noiseImages, preprocessing } from '../noise.ts';
import { answersOf, difference } from '../pruning/same.ts';
import { depthwise, residual } from '../pruning/structures.ts';

const noise = noiseImages(32);
const count = ({ graph }: Model, opType: string): number => graph.nodes.filter((node) => node.opType === opType).length;

describe('normalisations put back for training', () => {
  for (const [name, build] of Object.entries({ residual, depthwise })) {
    it(`change nothing, come after every convolution, and fold away again: ${name}`, async () => {
      const folded = await runPasses(build(), FOLDING, {});
      expect(count(folded, 'BatchNormalization')).toBe(0);
      const normalised = await insertBatchNorm(folded, noise, { preprocessing });
      checkModel(normalised);
      expect(count(normalised, 'BatchNormalization')).toBe(count(folded, 'Conv'));
      const expected = await answersOf(folded);
      expect(difference(expected, await answersOf(normalised))).toBeLessThan(1e-4);
      const again = await runPasses(normalised, FOLDING, {});
      expect(again.graph.nodes.map(({ opType }) => opType)).toEqual(folded.graph.nodes.map(({ opType }) => opType));
      expect(difference(expected, await answersOf(again))).toBeLessThan(1e-4);
      const twice = await insertBatchNorm(normalised, noise, { preprocessing });
      expect(count(twice, 'BatchNormalization')).toBe(count(folded, 'Conv'));
    });
  }
});
