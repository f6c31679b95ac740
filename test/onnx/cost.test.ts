import { describe, expect, it } from 'vitest';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { macsOf } from '../../onnx/cost.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { float32Tensor } from '../../onnx/tensor.ts';

const zeros = (...dims: number[]) => float32Tensor(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));

describe('multiply-accumulates', () => {
  it('of convolutions follow output size, channels per group and kernel', () => {
    const builder = new GraphBuilder();
    const image = builder.input('image', 'float32', ['N', 4, 8, 8]);
    const [full = ''] = builder.node('Conv', [image, builder.constant('w', zeros(6, 4, 3, 3))], {
      pads: ints([1, 1, 1, 1]),
    });
    const strided = { group: int(6), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) };
    const [depthwise = ''] = builder.node('Conv', [full, builder.constant('d', zeros(6, 1, 3, 3))], strided);
    builder.output(depthwise, 'float32', ['N', 6, 4, 4]);
    const model = builder.build({ opset: 13, irVersion: 8 });
    expect(macsOf(model.graph, inferShapes(model))).toBe(6 * 8 * 8 * 4 * 9 + 6 * 4 * 4 * 1 * 9);
  });

  it.each([0, 1])('of a matrix product are rows x inner x columns (transB %i)', (transB) => {
    const builder = new GraphBuilder();
    const input = builder.input('input', 'float32', [2, 5]);
    const weight = builder.constant('w', transB === 1 ? zeros(7, 5) : zeros(5, 7));
    const [out = ''] = builder.node('Gemm', [input, weight], { transB: int(transB) });
    const [twice = ''] = builder.node('MatMul', [out, builder.constant('m', zeros(7, 3))]);
    builder.output(twice, 'float32', [2, 3]);
    const model = builder.build({ opset: 13, irVersion: 8 });
    expect(macsOf(model.graph, inferShapes(model))).toBe(2 * 5 * 7 + 2 * 7 * 3);
  });

  it('are unknown where the image has no size', () => {
    const builder = new GraphBuilder();
    const image = builder.input('image', 'float32', ['N', 3, 'H', 'W']);
    const [out = ''] = builder.node('Conv', [image, builder.constant('w', zeros(2, 3, 1, 1))]);
    builder.output(out, 'float32', null);
    const model = builder.build({ opset: 13, irVersion: 8 });
    expect(macsOf(model.graph, inferShapes(model))).toBeUndefined();
  });
});
