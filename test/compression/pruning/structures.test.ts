import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyzeChannels } from '../../../compression/pruning/channels/groups.ts';
import { costModel } from '../../../compression/pruning/cost-model.ts';
import { removeChannels } from '../../../compression/pruning/remove.ts';
import { seededRandom } from '../../../core/random.ts';
import { checkModel } from '../../../onnx/check.ts';
import { macsOf } from '../../../onnx/cost.ts';
import type { Model } from '../../../onnx/graph.ts';
import { inferShapes } from '../../../onnx/shapes.ts';
import { maskChannels } from './mask-channels.ts';
import { randomNetwork } from './random-network.ts';
import { answersOf, difference } from './same.ts';
import { STRUCTURES, sharedWeights, shuffle, tokens, unknownOperator } from './structures.ts';

/** A random half of each group's channels. */
function halfOf(model: Model, seed: number) {
  const analysis = analyzeChannels(model);
  const random = seededRandom(seed);
  const removed = new Set<number>();
  for (const { channels } of analysis.groups) {
    for (const { id } of channels.slice(1)) if (random.next() < 0.5) removed.add(id);
  }
  return { analysis, removed };
}

async function requireExact(model: Model, seed: number): Promise<void> {
  const { analysis, removed } = halfOf(model, seed);
  const pruned = removeChannels(model, analysis, removed);
  checkModel(pruned);
  const masked = await answersOf(maskChannels(model, analysis, removed));
  expect(difference(masked, await answersOf(pruned))).toBeLessThan(1e-5);
  const cost = costModel(model, analysis, 'flops');
  const macs = (each: Model): number => macsOf(each.graph, inferShapes(each)) ?? Number.NaN;
  expect(macs(pruned)).toBe(macs(model) - cost.total(new Set()) + cost.total(removed));
}

describe('removing channels', () => {
  for (const [name, build] of Object.entries(STRUCTURES)) {
    it(`gives a smaller graph that computes what the masked original does: ${name}`, async () => {
      const model = build();
      expect(analyzeChannels(model).groups.length).toBeGreaterThan(0);
      for (const seed of [1, 2, 3]) await requireExact(model, seed);
    });
  }

  it('does so for random networks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
        await requireExact(randomNetwork(seed), seed);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves what it does not understand alone', () => {
    const names = (model: Model): string[] => analyzeChannels(model).groups.map(({ name }) => name);
    expect(names(unknownOperator())).toEqual(['conv2.weight', 'conv3.weight']);
    expect(names(sharedWeights())).not.toContain('head.weight');
  });

  it('follows channels through splits and shuffles, and takes what is shuffled together from both halves', () => {
    const { groups, blockers } = analyzeChannels(shuffle());
    expect(blockers).toEqual([]);
    expect(groups.map(({ name, channels }) => [name, channels.length])).toEqual([
      ['stem.weight', 8],
      ['stem.weight_1', 8],
      ['branch1.weight', 8],
    ]);
  });

  it('names what holds channels back', () => {
    const { blockers } = analyzeChannels(unknownOperator());
    expect(blockers.map(({ node, ids }) => [node.opType, ids.size])).toEqual([['LRN', 8]]);
    expect(analyzeChannels(tokens()).groups.map(({ name, channels }) => [name, channels.length])).toEqual([
      ['a.up.weight', 24],
      ['b.up.weight', 24],
    ]);
  });

  it('takes a channel from both places of shared weights', () => {
    const shared = analyzeChannels(sharedWeights()).groups.find(({ name }) => name === 'stem.weight');
    expect(shared?.channels[0]?.slices.map(({ initializer, axis }) => `${initializer} ${axis}`)).toEqual([
      'stem.weight 0',
      'stem.bias 0',
      'shared 1',
      'shared 0',
      'last.weight 1',
    ]);
  });
});
