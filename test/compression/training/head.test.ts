import { describe, expect, it } from 'vitest';
import { classesOf, headParameters, withHead } from '../../../compression/training/head.ts';
import { NETWORKS } from '../../../compression/training/networks/registry.ts';
import { withOpenBatch } from '../../../compression/training/open-batch.ts';
import { withLogits } from '../../../compression/training/scores.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { int, ints } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import { float32Tensor, int64Tensor } from '../../../onnx/tensor.ts';
import { Network } from '../pruning/network.ts';
import { answersOf, difference } from '../pruning/same.ts';
import { tokens } from '../pruning/structures.ts';

/** A network that ends in a convolution, a pooling and a softmax, as SqueezeNet does. */
function convolutionalHead() {
  const builder = new GraphBuilder('squeezed');
  const image = builder.input('image', 'float32', ['N', 3, 8, 8]);
  const weight = builder.constant(
    'weight',
    float32Tensor(
      [5, 3, 1, 1],
      Float32Array.from({ length: 15 }, (_, i) => i / 7),
    ),
  );
  const [scores] = builder.node('Conv', [image, weight]);
  const [pooled] = builder.node('GlobalAveragePool', [scores]);
  const [flat] = builder.node('Flatten', [pooled]);
  const [shares] = builder.node('Softmax', [flat], {}, { outputs: ['shares'] });
  builder.output(shares, 'float32', ['N', 5]);
  return builder.build({ opset: 13, irVersion: 7 });
}

describe('the head of a network', () => {
  it.each(Object.entries(NETWORKS))('%s is found, counted and replaced', (_, network) => {
    const model = network({ classes: 10, size: [32, 32], seed: 1 });
    expect(classesOf(model)).toBe(10);
    const other = withHead(model, 43, 2);
    expect(classesOf(other)).toBe(43);
    expect(other.graph.outputs[0]?.shape).toEqual(['N', 43]);
    const kept = [...model.graph.initializers.keys()].filter((name) => !headParameters(model).has(name));
    for (const name of kept) expect(other.graph.initializers.get(name)).toBe(model.graph.initializers.get(name));
  });

  it('may be a MatMul and an Add, and a Reshape behind that counts the scores', async () => {
    const net = new Network(1, 1);
    const mean = net.op('Flatten', net.op('GlobalAveragePool', net.conv(net.input, 3, 6)));
    const product = net.op('MatMul', mean, net.weight('fc.weight', [6, 5]));
    const sum = net.op('Add', net.weight('fc.bias', [5]), product);
    const model = net.finish(net.op('Reshape', sum, net.builder.constant('scores', int64Tensor([2], [1, 5]))), 5);
    expect(classesOf(model)).toBe(5);
    expect([...headParameters(model)]).toEqual(['fc.weight', 'fc.bias']);
    const other = withOpenBatch(withHead(model, 7, 1));
    expect(other.graph.initializers.get('fc.bias')?.dims).toEqual([7]);
    expect(other.graph.inputs[0]?.shape).toEqual(['N', 3, 8, 8]);
    expect((await answersOf(other, 4)).length).toBe(4 * 7);
  });

  it('of a model for one image takes many once its batch is open, or the node that fixes it is named', async () => {
    const model = tokens(1);
    const opened = withOpenBatch(model);
    const [both, first] = [await answersOf(opened, 2), await answersOf(model, 1)];
    expect(difference(both.subarray(0, first.length), first)).toBeLessThan(1e-5);
    expect(withOpenBatch(tokens('N')).graph.inputs[0]?.shape?.[0]).toBe('N');
    const net = new Network(1, 1);
    const patches = net.op(
      'Reshape',
      net.conv(net.input, 3, 6),
      net.builder.constant('all', int64Tensor([2], [6, 64])),
    );
    const turned = net.op('Transpose', patches);
    const mean = net.builder.node('ReduceMean', [turned], { axes: ints([0]), keepdims: int(1) })[0];
    const fixed = net.finish(net.gemm(mean, 6, 5, 'head'), 5);
    expect(() => withOpenBatch(fixed)).toThrow(expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }));
  });

  it('may be a convolution before a pooling', async () => {
    const model = withHead(convolutionalHead(), 7, 1);
    const session = await openSession(encodeModel(model));
    const image = floatTensor(new Float32Array(192).fill(0.5), [1, 3, 8, 8]);
    const shares = floatsOf(await session.run({ image }), 'shares');
    await session.close();
    expect(shares.length).toBe(7);
  });

  it('gives its logits without a final softmax, and changes nothing where there is none', async () => {
    const model = convolutionalHead();
    const session = await openSession(encodeModel(withLogits(model)));
    const image = floatTensor(new Float32Array(192).fill(0.5), [1, 3, 8, 8]);
    const logits = floatsOf(await session.run({ image }), session.output.name);
    await session.close();
    expect(logits[4]! - logits[0]!).toBeCloseTo((36 / 7) * 0.5, 4);
    const plain = withHead(withLogits(model), 5, 1);
    expect(withLogits(plain)).toBe(plain);
  });
});
