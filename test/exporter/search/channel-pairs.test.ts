import { describe, expect, it } from 'vitest';
import { pairsOf } from '../../../exporter/passes/channel-pairs.ts';
import { equalize } from '../../../exporter/passes/equalize.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { answersOf, difference } from '../../compression/pruning/same.ts';
import { channelsLast, flattened, residual, STRUCTURES, sharedWeights } from '../../compression/pruning/structures.ts';

const open = Object.entries(STRUCTURES).filter(([, make]) => typeof make().graph.inputs[0]?.shape?.[0] !== 'number');

describe('channels that are scaled between layers', () => {
  it.each(open)('leave what is computed as it was, in every structure that is pruned: %s', async (_, make) => {
    const model = make();
    expect(difference(await answersOf(model), await answersOf(await runPasses(model, [equalize])))).toBeLessThan(1e-4);
  });

  it('are found behind a Flatten, where one channel is many columns', () => {
    const model = flattened();
    const behind = pairsOf(model)
      .flatMap(({ readers }) => readers)
      .find(({ layer }) => layer.window === undefined)!;
    const places: number[] = [];
    behind.forEachWeight(0, (at) => places.push(at % behind.layer.columns));
    expect(new Set(places).size).toBeGreaterThan(1);
  });

  it('are none of those that a sum, shared weights or an axis that is not theirs read', () => {
    const summed = residual()
      .graph.nodes.filter(({ opType }) => opType === 'Add')
      .flatMap(({ inputs }) => inputs);
    for (const { maker } of pairsOf(residual())) expect(summed).not.toContain(maker.output);
    const shared = sharedWeights();
    const counts = new Map<string, number>();
    for (const { inputs } of shared.graph.nodes) counts.set(inputs[1] ?? '', (counts.get(inputs[1] ?? '') ?? 0) + 1);
    for (const { maker, readers } of pairsOf(shared)) {
      for (const { node } of [maker, ...readers.map(({ layer }) => layer)])
        expect(counts.get(node.inputs[1] ?? '')).toBe(1);
    }
    for (const { readers } of pairsOf(channelsLast())) expect(readers.length).toBeGreaterThan(0);
  });
});
