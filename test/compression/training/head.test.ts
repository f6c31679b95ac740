import { describe, expect, it } from 'vitest';
import { NETWORKS } from '../../../compression/networks/registry.ts';
import { classesOf, headOf, withHead } from '../../../compression/training/head.ts';
import { withLogits } from '../../../compression/training/scores.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { encodeModel } from '../../../onnx/write.ts';

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
    const kept = [...model.graph.initializers.keys()].filter((name) => !headOf(model).inputs.includes(name));
    for (const name of kept) expect(other.graph.initializers.get(name)).toBe(model.graph.initializers.get(name));
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
