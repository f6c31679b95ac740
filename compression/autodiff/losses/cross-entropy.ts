import { int } from '../../../onnx/attributes.ts';
import type { Loss } from './loss.ts';

/**
 * Cross-entropy against a distribution t over the classes: L = -1/N sum t log softmax(z), dz = (softmax(z) - t) / N.
 *
 * One input `targets` `[N, classes]` whose rows sum to 1 serves plain labels, label smoothing and mixup alike.
 */
export const crossEntropy: Loss = {
  name: 'cross-entropy',
  inputs: (output) => [{ name: 'targets', shape: output }],
  build(tape, output, [batch = 1], [targets = '']) {
    const logarithm = tape.op('LogSoftmax', [output], { axis: int(-1) });
    const perClass = tape.op('Mul', [targets, logarithm]);
    const share = tape.scalar(1 / batch);
    return {
      value: tape.op('Neg', [tape.op('Mul', [tape.sum(perClass, [0, 1]), share])]),
      gradient: tape.op('Mul', [tape.op('Sub', [tape.op('Exp', [logarithm]), targets]), share]),
    };
  },
};
