import { describe, expect, it } from 'vitest';
import { buildVgg16 } from '../../bench/networks/vgg16.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { inferShapes } from '../../onnx/shapes.ts';

describe('the VGG16-shaped network', () => {
  const model = buildVgg16(1);

  it('has the weights of VGG16 at 32x32', () => {
    const weights = [...model.graph.initializers].filter(([name]) => name.endsWith('.weight'));
    const count = weights.reduce((sum, [, { dims }]) => sum + dims.reduce((product, dim) => product * dim, 1), 0);
    expect(weights).toHaveLength(14);
    expect(count).toBe(14_715_584);
  });

  it('gives ten scores', () => {
    const output = model.graph.outputs[0];
    expect(inferShapes(model).get(output?.name ?? '')?.shape).toEqual([1, 10]);
  });

  it('is the same for the same seed, and another for another', () => {
    const bytes = Buffer.from(encodeModel(model));
    expect(bytes.equals(encodeModel(buildVgg16(1)))).toBe(true);
    expect(bytes.equals(encodeModel(buildVgg16(2)))).toBe(false);
  });
});
