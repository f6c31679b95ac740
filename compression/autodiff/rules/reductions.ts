import { intAttribute, intsAttribute } from '../../../onnx/attributes.ts';
import { asIntegers } from '../../../onnx/tensor.ts';
import { rule } from '../rule.ts';

/** Sum and mean: every summand gets the gradient of its sum, for the mean divided by their number. */
export const reduction = rule(['ReduceSum', 'ReduceMean'], ({ node, tape, dy }) => {
  const [x = '', axesInput = ''] = node.inputs;
  const shape = tape.shape(x);
  const rank = shape.length;
  const constant = axesInput === '' ? undefined : tape.initializers.get(axesInput);
  const axes = (
    constant
      ? asIntegers(constant)
      : intsAttribute(
          node,
          'axes',
          shape.map((_, axis) => axis),
        )
  ).map((axis) => (axis + rank) % rank);
  const kept = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
  const scaled = node.opType === 'ReduceMean' ? tape.op('Mul', [dy, tape.scalar(1 / count)]) : dy;
  return [tape.op('Expand', [tape.reshape(scaled, kept), tape.ints(shape)])];
});

/** s_i = exp(x_i) / sum: dx = s (dy - sum(dy s)). */
export const softmax = rule(['Softmax'], ({ node, tape, dy, y }) => {
  const rank = tape.shape(y).length;
  const axis = (intAttribute(node, 'axis', -1) + rank) % rank;
  const weighted = tape.sum(tape.op('Mul', [dy, y]), [axis], true);
  return [tape.op('Mul', [y, tape.op('Sub', [dy, weighted])])];
});

/** log s: dx = dy - exp(y) sum(dy). */
export const logSoftmax = rule(['LogSoftmax'], ({ node, tape, dy, y }) => {
  const rank = tape.shape(y).length;
  const axis = (intAttribute(node, 'axis', -1) + rank) % rank;
  return [tape.op('Sub', [dy, tape.op('Mul', [tape.op('Exp', [y]), tape.sum(dy, [axis], true)])])];
});

/** x^n with a constant n: n x^(n-1). */
export const pow = rule(['Pow'], ({ node, tape, dy }) => {
  const [x = '', n = ''] = node.inputs;
  const below = tape.op('Sub', [n, tape.scalar(1)]);
  return [tape.op('Mul', [dy, tape.op('Mul', [n, tape.op('Pow', [x, below])])])];
});

/**
 * y = (x - m) r g + b with m, r = 1/sqrt(var + eps) of the last axes. With u = dy g and x^ = (x - m) r:
 * dx = r (u - mean(u) - x^ mean(u x^)); dg = sum(dy x^); db = sum(dy) (Ba, Kiros, Hinton 2016).
 */
export const layerNormalization = rule(['LayerNormalization'], ({ node, tape, dy, needs }) => {
  const [x = '', gain = '', shift = ''] = node.inputs;
  const shape = tape.shape(x);
  const rank = shape.length;
  const first = (intAttribute(node, 'axis', -1) + rank) % rank;
  const { axis, epsilon, ...rest } = node.attributes;
  const attributes = { ...rest, ...(axis ? { axis } : {}), ...(epsilon ? { epsilon } : {}) };
  const [, mean = '', inverse = ''] = tape.node('LayerNormalization', node.inputs, attributes, { count: 3 });
  const normal = tape.op('Mul', [tape.op('Sub', [x, mean]), inverse]);
  const axes = shape.flatMap((_, i) => (i >= first ? [i] : []));
  const average = (value: string): string => {
    const count = axes.reduce((product, i) => product * shape[i]!, 1);
    return tape.op('Mul', [tape.sum(value, axes, true), tape.scalar(1 / count)]);
  };
  const scaled = tape.op('Mul', [dy, gain]);
  const dx = (): string => {
    const centred = tape.op('Sub', [scaled, average(scaled)]);
    const along = tape.op('Mul', [normal, average(tape.op('Mul', [scaled, normal]))]);
    return tape.op('Mul', [inverse, tape.op('Sub', [centred, along])]);
  };
  return [
    needs(0) ? dx() : undefined,
    needs(1) ? tape.unbroadcast(tape.op('Mul', [dy, normal]), shape, tape.shape(gain)) : undefined,
    needs(2) ? tape.unbroadcast(dy, shape, tape.shape(shift)) : undefined,
  ];
});
