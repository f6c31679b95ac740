import { describe, expect, it } from 'vitest';
import { cutBefore, cutsOf } from '../../../../compression/pruning/reconstruct/cuts.ts';
import { Targets } from '../../../../compression/pruning/reconstruct/targets.ts';
import { seededRandom } from '../../../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../../../inference/session.ts';
import { encodeModel } from '../../../../onnx/file/write.ts';
import { Network } from '../network.ts';
import { residual, tokens } from '../structures.ts';

const random = seededRandom(5);
const COUNT = 6;
const images = { dims: [3, 8, 8], data: Float32Array.from({ length: COUNT * 192 }, () => random.normal()) };

describe('places where a walk can wait', () => {
  it('are all of a residual network', () => {
    const { nodes } = residual().graph;
    expect(cutsOf(residual())).toEqual(Array.from({ length: nodes.length + 1 }, (_, i) => i));
  });

  it('are none where a value counts something else along its first axis', () => {
    const net = new Network(2);
    const turned = net.builder.node('Transpose', [net.relu(net.conv(net.input, 3, 4, { name: 'conv1' }))])[0];
    const back = net.builder.node('Transpose', [net.relu(turned)])[0];
    const model = net.head(net.relu(back), 4);
    const place = (opType: string): number => model.graph.nodes.findIndex((node) => node.opType === opType);
    const cuts = cutsOf(model);
    const first = place('Transpose');
    expect(cuts).toContain(first);
    expect(cuts).not.toContain(first + 1);
    expect(cuts).not.toContain(first + 2);
    expect(cuts).toContain(first + 3);
    expect(cutBefore(cuts, first + 2)).toBe(first);
  });
});

describe('targets', () => {
  it.each([
    ['residual', residual],
    ['tokens', tokens],
  ] as const)('are what the whole model computes, though it is run in pieces: %s', async (_, make) => {
    const model = make();
    const values = model.graph.nodes
      .filter(({ opType }) => ['Conv', 'Relu', 'Add', 'Gemm'].includes(opType))
      .map(({ outputs }) => outputs[0] ?? '');
    const { graph } = model;
    const exposed = {
      ...model,
      graph: { ...graph, outputs: values.map((name) => ({ name, dtype: 'float32' as const, shape: null })) },
    };
    const session = await openSession(encodeModel(exposed));
    const expected = await session.run({ [session.input.name]: floatTensor(images.data, [COUNT, 3, 8, 8]) });
    await session.close();
    // So many bytes that every value is gathered in a run of its own.
    const requests = values.map((value, seed) => ({ value, channels: [0, 2], wanted: 4, seed }));
    const targets = new Targets(model, requests, images, COUNT, { batch: 4 }, 1);
    for (const r of [...values.keys()].reverse()) {
      const { positions, rows } = await targets.take(r);
      const value = values[r]!;
      const { dims } = expected[value]!;
      const all = floatsOf(expected, value);
      const [, width = 0] = dims;
      const area = all.length / COUNT / width;
      positions.places.forEach((place, sample) => {
        const image = Math.floor(sample / positions.perImage);
        for (const [column, channel] of [0, 2].entries()) {
          expect(rows[2 * sample + column]).toBeCloseTo(all[(image * width + channel) * area + place]!, 4);
        }
      });
    }
  });
});
