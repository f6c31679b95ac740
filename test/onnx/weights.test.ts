import { describe, expect, it } from 'vitest';
import { int } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { float32Tensor, int8Tensor, type Tensor } from '../../onnx/tensor.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { storedWeights } from '../../onnx/weights.ts';

/** A 1x1 convolution of two channels whose weight comes from what `weight` adds to the graph. */
function convolution(weight: (builder: GraphBuilder) => string) {
  const builder = new GraphBuilder();
  const image = builder.input('image', 'float32', [1, 2, 4, 4]);
  const [out = ''] = builder.node('Conv', [image, weight(builder)]);
  builder.output(out, 'float32', [1, 2, 4, 4]);
  const { graph } = builder.build({ opset: 21, irVersion: 10 });
  return storedWeights(graph, indexGraph(graph)).map(({ elements, unique, form }) => ({ elements, unique, form }));
}

const scale = (builder: GraphBuilder): string => builder.constant('scale', float32Tensor([], Float32Array.of(0.5)));

describe('stored weights', () => {
  it('of a float tensor are its distinct values', () => {
    const found = convolution((b) => b.constant('w', float32Tensor([2, 2, 1, 1], Float32Array.of(1, -1, 1, 0.25))));
    expect(found).toEqual([{ elements: 4, unique: 3, form: 'float' }]);
  });

  it('of a quantized tensor are its codes', () => {
    const found = convolution((b) => {
      const codes = b.constant('codes', int8Tensor([2, 2, 1, 1], Int8Array.of(-5, 7, 7, 7)));
      return b.node('DequantizeLinear', [codes, scale(b)])[0] ?? '';
    });
    expect(found).toEqual([{ elements: 4, unique: 2, form: 'quantized' }]);
  });

  it('of a codebook are the entries in use, read from packed indices', () => {
    const found = convolution((b) => {
      // Four 4-bit indices in two bytes, low half first: 1, 2, 2, 0.
      const packed: Tensor = { dtype: 'uint4', dims: [2, 2, 1, 1], bytes: Uint8Array.of(0x21, 0x02) };
      const [indices = ''] = b.node('Cast', [b.constant('indices', packed)], { to: int(6) });
      const codebook = b.constant('codebook', int8Tensor([4], Int8Array.of(-64, -3, 0, 64)));
      const [codes = ''] = b.node('Gather', [codebook, indices]);
      return b.node('DequantizeLinear', [codes, scale(b)])[0] ?? '';
    });
    expect(found).toEqual([{ elements: 4, unique: 3, form: 'codebook' }]);
  });

  it('leave out a weight that is computed from the input', () => {
    const builder = new GraphBuilder();
    const image = builder.input('image', 'float32', [4, 4]);
    const [out = ''] = builder.node('MatMul', [image, image]);
    builder.output(out, 'float32', [4, 4]);
    const { graph } = builder.build({ opset: 13, irVersion: 8 });
    expect(storedWeights(graph, indexGraph(graph))).toEqual([]);
  });
});
