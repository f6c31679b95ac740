import { WaysideError } from '../../../core/errors.ts';
import { int, intAttribute, ints, intsAttribute, stringAttribute } from '../../../onnx/attributes.ts';
import type { Node } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { rule } from '../rule.ts';

function requireExplicitPads(node: Node): void {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  const ceil = intAttribute(node, 'ceil_mode', 0);
  if ((auto === 'NOTSET' || auto === 'VALID') && ceil === 0) return;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `no gradient for ${node.opType} ${node.name}: auto_pad ${auto}, ceil_mode ${ceil}`,
    hint: 'explicit pads without rounding up are supported',
  });
}

/** The mean of all pixels: each gets an equal share. */
export const globalAveragePool = rule(['GlobalAveragePool'], ({ node, tape, dy }) => {
  const shape = tape.shape(node.inputs[0] ?? '');
  const pixels = shape.slice(2).reduce((product, dim) => product * dim, 1);
  const share = tape.op('Mul', [dy, tape.scalar(1 / pixels)]);
  return [tape.op('Expand', [share, tape.ints(shape)])];
});

/**
 * Every window gives its gradient, divided by its size, back to its pixels: a depthwise ConvTranspose with ones. Windows
 * that reach over the edge divide by what lies inside unless the padding counts (`count_include_pad`).
 */
export const averagePool = rule(['AveragePool'], ({ node, tape, dy, y }) => {
  requireExplicitPads(node);
  const shape = tape.shape(node.inputs[0] ?? '');
  const [channels = 1, height = 1, width = 1] = shape.slice(1);
  const [kh = 1, kw = 1] = intsAttribute(node, 'kernel_shape', []);
  const [sh = 1, sw = 1] = intsAttribute(node, 'strides', []);
  const [top = 0, left = 0, bottom = 0, right = 0] = intsAttribute(node, 'pads', []);
  const [outHeight = 1, outWidth = 1] = tape.shape(y).slice(2);
  const includePad = intAttribute(node, 'count_include_pad', 0) === 1;
  const inside = (at: number, stride: number, before: number, kernel: number, size: number): number =>
    includePad ? kernel : Math.min(size, at * stride - before + kernel) - Math.max(0, at * stride - before);
  const shares = Float32Array.from({ length: outHeight * outWidth }, (_, i) => {
    const rows = inside(Math.floor(i / outWidth), sh, top, kh, height);
    return 1 / (rows * inside(i % outWidth, sw, left, kw, width));
  });
  const share = tape.op('Mul', [dy, tape.constant('share', float32Tensor([1, 1, outHeight, outWidth], shares))]);
  const ones = tape.constant(
    'ones',
    float32Tensor([channels, 1, kh, kw], new Float32Array(channels * kh * kw).fill(1)),
  );
  const rest = [height + top + bottom - (outHeight - 1) * sh - kh, width + left + right - (outWidth - 1) * sw - kw];
  return [
    tape.op('ConvTranspose', [share, ones], {
      group: int(channels),
      kernel_shape: ints([kh, kw]),
      strides: ints([sh, sw]),
      pads: ints([top, left, bottom, right]),
      output_padding: ints(rest),
    }),
  ];
});

/**
 * The largest pixel of a window gets its gradient. The forward node runs again for its indices (flat positions in the
 * whole input): windows may overlap, so gradients are added where they land.
 */
export const maxPool = rule(['MaxPool'], ({ node, tape, dy, y }) => {
  const [x = ''] = node.inputs;
  const { storage_order: _, ...attributes } = node.attributes;
  const [, indices = ''] = tape.node('MaxPool', [x], attributes, { count: 2 });
  const shape = tape.shape(x);
  const count = shape.reduce((product, dim) => product * dim, 1);
  const windows = tape.shape(y).reduce((product, dim) => product * dim, 1);
  const zeros = tape.op('ConstantOfShape', [tape.ints([count])]);
  const scattered = tape.op('ScatterElements', [zeros, tape.reshape(indices, [windows]), tape.reshape(dy, [windows])], {
    axis: int(0),
    reduction: { type: 'string', value: 'add' },
  });
  return [tape.reshape(scattered, shape)];
});
