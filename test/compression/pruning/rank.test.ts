import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyzeChannels } from '../../../compression/pruning/channels/groups.ts';
import { type CostUnit, costModel } from '../../../compression/pruning/cost-model.ts';
import { l2 } from '../../../compression/pruning/criteria/l2.ts';
import { heldBack } from '../../../compression/pruning/held-back.ts';
import { pruneToLatency } from '../../../compression/pruning/latency-goal.ts';
import { prune } from '../../../compression/pruning/prune.ts';
import { roundKept } from '../../../compression/pruning/rank.ts';
import { macsOf } from '../../../onnx/cost.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { inferShapes } from '../../../onnx/shapes.ts';
import { depthwise, flattened, grouped, residual, STRUCTURES, unknownOperator } from './structures.ts';

const macs = (model: Model): number => macsOf(model.graph, inferShapes(model)) ?? Number.NaN;
const weights = ({ graph }: Model): number =>
  [...graph.initializers.values()].reduce(
    (sum, { dims }) => sum + (dims.length > 1 ? dims.reduce((a, b) => a * b) : 0),
    0,
  );

describe('goals', () => {
  it('that cannot be reached are refused with the nodes that hold channels back, and how much', () => {
    const model = unknownOperator();
    const analysis = analyzeChannels(model);
    const lrn = model.graph.nodes.find(({ opType }) => opType === 'LRN')!;
    const [held] = heldBack(model, analysis, 'flops');
    // conv1 alone: what it makes is all that the LRN reads; conv2 could lose inputs as well.
    expect(held).toMatchObject({ node: lrn.name, operator: 'LRN' });
    expect(held!.share).toBeCloseTo((64 * 8 * 27) / (64 * (8 * 27 + 2 * 8 * 72) + 40), 6);
    const refused = expect.objectContaining({
      code: 'PRUNING_IMPOSSIBLE',
      message: expect.stringContaining(`LRN ${lrn.name}`),
    });
    expect(() => prune(model, { criterion: l2.importance, goal: 0.94, multiple: 1 })).toThrow(refused);
  });

  it('are reached, and not by more than one rounded group, or refused where all that may go is too little', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(STRUCTURES)),
        fc.constantFrom<CostUnit>('flops', 'params', 'bytes'),
        fc.double({ min: 0.05, max: 0.25, noNaN: true }),
        (build, unit, goal) => {
          const model = build();
          const options = { criterion: l2.importance, goal, unit, multiple: 1, floor: 0.1 };
          const analysis = analyzeChannels(model);
          const cost = costModel(model, analysis, unit);
          const whole = cost.total(new Set());
          const all = analysis.groups.flatMap(({ channels }) =>
            channels.slice(0, channels.length - Math.max(1, Math.ceil(channels.length * 0.1))),
          );
          if (cost.total(new Set(all.map(({ id }) => id))) > whole * (1 - goal)) {
            expect(() => prune(model, options)).toThrow(/can go/);
            return;
          }
          const { removed } = prune(model, options);
          expect(cost.total(removed)).toBeLessThanOrEqual(whole * (1 - goal));
          // One unit less removed would miss the goal: the overshoot is less than what one group's step saves.
          const step = Math.max(
            ...analysis.groups.map(({ channels }) => {
              const unitOf = channels.length >= 16 ? 8 : 1;
              return whole - cost.total(new Set(channels.slice(0, unitOf + 1).map(({ id }) => id)));
            }),
          );
          expect(whole * (1 - goal) - cost.total(removed)).toBeLessThanOrEqual(step);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('count what they say: operations, weights, bytes of the file', () => {
    const model = flattened();
    const half = { criterion: l2.importance, goal: 0.5, multiple: 1 };
    expect(macs(prune(model, half).model) / macs(model)).toBeLessThanOrEqual(0.5);
    expect(weights(prune(model, { ...half, unit: 'params' }).model) / weights(model)).toBeLessThanOrEqual(0.5);
    const bytes = (each: Model): number =>
      [...each.graph.initializers.values()].reduce((sum, tensor) => sum + tensor.bytes.length, 0);
    expect(bytes(prune(model, { ...half, unit: 'bytes' }).model) / bytes(model)).toBeLessThanOrEqual(0.5);
    expect(encodeModel(prune(model, half).model).length).toBeLessThan(encodeModel(model).length);
  });

  it('of measured time are searched for', async () => {
    const timed: number[] = [];
    const latencyOf = (model: Model): Promise<number> => {
      timed.push(macs(model) / 1000);
      return Promise.resolve(macs(model) / 1000);
    };
    const { before, after, pruned } = await pruneToLatency(
      residual(),
      { criterion: l2.importance, goal: 0.4, multiple: 1 },
      latencyOf,
    );
    expect(after).toBeLessThanOrEqual(0.6 * before);
    expect(after).toBe(macs(pruned.model) / 1000);
    expect(timed.length).toBeLessThan(9);
    await expect(
      pruneToLatency(residual(), { criterion: l2.importance, goal: 0.4, multiple: 1 }, () => Promise.resolve(1)),
    ).rejects.toThrow(expect.objectContaining({ code: 'PRUNING_IMPOSSIBLE' }));
  });

  it('that floors forbid are refused with what is possible', () => {
    expect(() => prune(residual(), { criterion: l2.importance, goal: 0.9, floor: 0.8 })).toThrow(
      expect.objectContaining({ code: 'PRUNING_IMPOSSIBLE', message: expect.stringMatching(/no more than \d/) }),
    );
  });
});

describe('limits', () => {
  it('keep every group above its floor', () => {
    const { groups } = prune(depthwise(), { criterion: l2.importance, goal: 0.5, floor: 0.3, multiple: 1 });
    for (const { before, after } of groups) expect(after).toBeGreaterThanOrEqual(Math.floor(0.3 * before));
  });

  it('leave frozen groups whole, and reach the goal without them', () => {
    const frozen = new Set(['reduce.weight']);
    const { groups, model } = prune(grouped(), { criterion: l2.importance, goal: 0.3, multiple: 1, frozen });
    const reduce = groups.find(({ name }) => name === 'reduce.weight');
    expect(reduce?.after).toBe(reduce?.before);
    expect(macs(model) / macs(grouped())).toBeLessThanOrEqual(0.7);
  });

  it('reach several goals by one removal', () => {
    const plain = { criterion: l2.importance, multiple: 1, floor: 0.05 };
    const share = (model: Model, of: (each: Model) => number): number => of(model) / of(residual());
    const alone = prune(residual(), { ...plain, goal: 0.2 }).model;
    const both = prune(residual(), { ...plain, goal: 0.2, also: [{ unit: 'params', goal: 0.6 }] }).model;
    expect(share(alone, weights)).toBeGreaterThan(0.4);
    expect(share(both, weights)).toBeLessThanOrEqual(0.4);
    expect(share(both, macs)).toBeLessThanOrEqual(0.8);
    expect(() => prune(residual(), { ...plain, floor: 0.9, goal: 0.5, also: [{ unit: 'params', goal: 0.6 }] })).toThrow(
      expect.objectContaining({ code: 'PRUNING_IMPOSSIBLE' }),
    );
  });

  it('round to counts the target likes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 512 }), fc.integer({ min: 1, max: 512 }), (total, wanted) => {
        const kept = roundKept(Math.min(wanted, total), total, 16);
        expect(kept).toBeGreaterThan(0);
        expect(kept).toBeLessThanOrEqual(total);
        if (kept !== total && total >= 32) expect(kept % 16).toBe(0);
      }),
    );
  });

  it('give way to counts that a person wants', () => {
    const keep = { 'b.conv1.weight': 5 };
    const { groups } = prune(residual(), { criterion: l2.importance, goal: 0.3, multiple: 1, keep });
    expect(groups.find(({ name }) => name === 'b.conv1.weight')?.after).toBe(5);
    expect(() => prune(residual(), { criterion: l2.importance, goal: 0.3, keep: { 'b.conv1.weight': 99 } })).toThrow(
      expect.objectContaining({ code: 'PRUNING_IMPOSSIBLE' }),
    );
  });

  it('compare only like with like when isomorphic', () => {
    const analysis = analyzeChannels(residual());
    const importance = (model: Model, group: { channels: readonly unknown[] }): Float64Array =>
      l2.importance(model, group as never).map((value) => value * (group.channels.length === 8 ? 1000 : 1));
    const own = prune(residual(), { criterion: importance, goal: 0.3, multiple: 1, scale: 'size' });
    const plain = prune(residual(), { criterion: l2.importance, goal: 0.3, multiple: 1, scale: 'size' });
    expect(own.groups).toEqual(plain.groups);
    expect(analysis.groups.length).toBeGreaterThan(2);
  });
});
