import { describe, expect, it } from 'vitest';
import { channelBlock, withBlockedConvolutions } from '../../../compression/autodiff/blocked.ts';
import { crossEntropy } from '../../../compression/autodiff/losses/cross-entropy.ts';
import { buildTrainingGraph } from '../../../compression/autodiff/training-graph.ts';
import { buildNetwork } from '../../../compression/training/networks/registry.ts';
import { seededRandom } from '../../../core/random.ts';
import { floatsOf, floatTensor, openSession, type RunTensor } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import { asFloat32, elementCount } from '../../../onnx/tensor.ts';

describe('convolutions over blocks of channels', () => {
  it('give the loss and every gradient of plain ones', async (context) => {
    const block = await channelBlock();
    if (block === undefined) return context.skip('ONNX Runtime has no blocked layout on this processor');
    const network = buildNetwork('resnet20', { classes: 10, size: [16, 16], seed: 1 });
    const graph = buildTrainingGraph(network, { batch: 4, loss: crossEntropy });
    const blocked = withBlockedConvolutions(graph.model, block);
    // 20 of 21 convolutions forward and 18 backward (two of stride 2 and two 1x1 are no Conv there): all but the stem.
    expect(blocked.graph.nodes.filter(({ domain, opType }) => domain !== '' && opType === 'Conv').length).toBe(36);

    const random = seededRandom(3);
    const feeds: Record<string, RunTensor> = {};
    for (const { name, shape } of graph.model.graph.inputs) {
      const dims = shape as readonly number[];
      const own = network.graph.initializers.get(name);
      const made = Float32Array.from({ length: elementCount(dims) }, random.normal);
      feeds[name] = floatTensor(own ? asFloat32(own) : made, dims);
    }
    const [plain, other] = await Promise.all(
      [graph.model, blocked].map(async (model) => {
        const session = await openSession(encodeModel(model));
        const results = await session.run(feeds);
        await session.close();
        return results;
      }),
    );
    for (const name of [graph.lossOutput, ...graph.gradients]) {
      const expected = floatsOf(plain!, name);
      const got = floatsOf(other!, name);
      const scale = Math.max(...expected.map(Math.abs));
      expect(Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-3 * scale);
    }
  });
});
