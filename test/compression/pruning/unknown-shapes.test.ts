import { describe, expect, it } from 'vitest';
import { analyzeChannels } from '../../../compression/pruning/channels/groups.ts';
import { l1 } from '../../../compression/pruning/criteria/l1.ts';
import { measuredTypes } from '../../../compression/pruning/measured-shapes.ts';
import { prune } from '../../../compression/pruning/prune.ts';
import { reconstruct } from '../../../compression/pruning/reconstruct/reconstruct.ts';
import { macsOf, typesOfOneImage, uncountedNode } from '../../../onnx/cost.ts';
import { nonFiniteWeight } from '../../../onnx/finite.ts';
import type { Model } from '../../../onnx/graph.ts';
import { int64Tensor } from '../../../onnx/tensor.ts';
import { noiseImages, preprocessing } from '../noise.ts';
import { Network } from './network.ts';

/** Between the second and the third convolution stands an operator that keeps the shape; CumSum has no shape rule. */
function behind(opType: 'CumSum' | 'Relu'): Model {
  const net = new Network();
  const first = net.relu(net.conv(net.input, 3, 16, { name: 'conv1' }));
  const second = net.relu(net.conv(first, 16, 12, { name: 'conv2', stride: 2 }));
  const passed =
    opType === 'Relu' ? net.relu(second) : net.op('CumSum', second, net.builder.constant('axis', int64Tensor([], [3])));
  return net.head(net.relu(net.conv(passed, 12, 20, { name: 'conv3' })), 20);
}

const size = { size: [8, 8] as const };

describe('operations behind an operator of unknown shape', () => {
  const model = behind('CumSum');

  it('are not taken for none: they are unknown until ONNX Runtime has made the shape of one image', async () => {
    const types = typesOfOneImage(model);
    expect(macsOf(model.graph, types)).toBeUndefined();
    expect(uncountedNode(model.graph, types)?.inputs[1]).toBe('conv3.weight');
    const known = behind('Relu');
    expect(macsOf(model.graph, await measuredTypes(model, size))).toBe(macsOf(known.graph, typesOfOneImage(known)));
  });

  it('make a goal of operations impossible that nothing can measure, and the node is named', () => {
    const conv3 = model.graph.nodes.find(({ inputs }) => inputs[1] === 'conv3.weight')!;
    const options = { criterion: l1.importance, goal: 0.3, multiple: 1 };
    const refused = expect.objectContaining({
      code: 'PRUNING_IMPOSSIBLE',
      message: expect.stringContaining(conv3.name),
    });
    expect(() => prune(model, options)).toThrow(refused);
    expect(prune(model, { ...options, unit: 'params' }).removed.size).toBeGreaterThan(0);
  });

  it('are removed by the share asked for, and what is reconstructed is finite', async () => {
    const types = await measuredTypes(model, size);
    const pruned = prune(model, { criterion: l1.importance, goal: 0.3, multiple: 1, types });
    const macs = async (each: Model): Promise<number> =>
      macsOf(each.graph, await measuredTypes(each, size)) ?? Number.NaN;
    expect((await macs(pruned.model)) / (await macs(model))).toBeLessThanOrEqual(0.7);
    for (const { after } of pruned.groups) expect(after).toBeGreaterThan(0);
    const indices = Array.from({ length: 32 }, (_, i) => i);
    const rebuilt = await reconstruct(model, pruned, noiseImages(32), { preprocessing, indices, seed: 1 });
    expect(nonFiniteWeight(rebuilt.model.graph)).toBeUndefined();
    for (const { before, after } of rebuilt.layers) expect(after).toBeLessThanOrEqual(before + 1e-6);
    expect(analyzeChannels(model).groups.map(({ name }) => name)).toContain('conv1.weight');
  });
});

it('one image counts as one: tokens behind a Reshape, and the images of a fixed batch', () => {
  const tokens = (batch: number | 'N'): Model => {
    const net = new Network(1, batch);
    const patches = net.conv(net.input, 3, 4, { name: 'patches', kernel: 1 });
    const rows = net.op('Reshape', patches, net.builder.constant('rows', int64Tensor([2], [-1, 64])));
    const hidden = net.gemm(rows, 64, 10, 'hidden');
    net.builder.output(hidden, 'float32', null);
    return net.builder.build({ opset: 13, irVersion: 8 });
  };
  const macs = (model: Model): number | undefined => macsOf(model.graph, typesOfOneImage(model));
  expect(macs(tokens('N'))).toBe(64 * 3 * 4 + 4 * 64 * 10);
  expect(macs(tokens(2))).toBe(macs(tokens('N')));
});
