import { floatAttribute, intAttribute } from '../../../onnx/attributes.ts';
import { rule } from '../rule.ts';

/**
 * BatchNormalization over N, H, W of every channel, y = (x - m) r g + b with r = 1 / sqrt(v + eps).
 *
 * Training (m and v are those of the batch; Ioffe and Szegedy 2015), with M elements a channel and x^ = (x - m) r:
 * dx = g r (dy - sum(dy) / M - x^ sum(dy x^) / M). Written as A dy + B x + C with one number a channel each, it passes
 * over the data three times instead of seven. Frozen (m and v are given): dx = g r dy.
 *
 * A training node must have been given its batch statistics as outputs 1 and 2 by `trainBatchNorm` (momentum 0).
 */
export const batchNormalization = rule(['BatchNormalization'], ({ node, tape, dy, needs }) => {
  const [x = '', gain = '', , givenMean = '', givenVariance = ''] = node.inputs;
  const [, batchMean = '', batchVariance = ''] = node.outputs;
  const training = intAttribute(node, 'training_mode', 0) === 1;
  const mean = training ? batchMean : givenMean;
  const variance = training ? batchVariance : givenVariance;
  const shape = tape.shape(x);
  const channels = shape[1]!;
  const axes = shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const count = shape.reduce((product, dim) => product * dim, 1) / channels;
  const perChannel = (value: string): string =>
    tape.reshape(
      value,
      shape.map((_, axis) => (axis === 1 ? channels : 1)),
    );

  const epsilon = tape.scalar(floatAttribute(node, 'epsilon', 1e-5));
  const inverse = tape.op('Div', [tape.scalar(1), tape.op('Sqrt', [tape.op('Add', [variance, epsilon])])]);
  const slope = tape.op('Mul', [gain, inverse]);
  const wantsStatistics = training || needs(1) || needs(2);
  const dShift = wantsStatistics ? tape.sum(dy, axes) : undefined;
  if (dShift === undefined) return [tape.op('Mul', [dy, perChannel(slope)])];
  // sum(dy x^) = r (sum(dy x) - m sum(dy))
  const dot = tape.sum(tape.op('Mul', [dy, x]), axes);
  const dGain = tape.op('Mul', [inverse, tape.op('Sub', [dot, tape.op('Mul', [mean, dShift])])]);
  const dx = (): string => {
    const scaled = tape.op('Mul', [dy, perChannel(slope)]);
    if (!training) return scaled;
    const share = tape.scalar(-1 / count);
    const b = tape.op('Mul', [tape.op('Mul', [tape.op('Mul', [slope, inverse]), dGain]), share]);
    const fromShift = tape.op('Mul', [tape.op('Mul', [slope, dShift]), share]);
    const c = tape.op('Sub', [fromShift, tape.op('Mul', [b, mean])]);
    const line = tape.op('Add', [tape.op('Mul', [x, perChannel(b)]), perChannel(c)]);
    return tape.op('Add', [scaled, line]);
  };
  return [needs(0) ? dx() : undefined, needs(1) ? dGain : undefined, needs(2) ? dShift : undefined];
});
