import { int } from '../../../onnx/attributes.ts';
import type { Tape } from '../tape.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { Loss } from './loss.ts';

export interface DistillationOptions {
  /** Softens both distributions. @default 4 */
  readonly temperature?: number;
  /** Share of the teacher's term; the rest is cross-entropy with the targets. @default 0.7 */
  readonly weight?: number;
}

/**
 * Distillation (Hinton, Vinyals, Dean 2015): a T^2 KL(p || q) + (1 - a) cross-entropy(targets), with p = softmax(teacher/T),
 * q = softmax(z/T). dz of the first term is a T (q - p) / N; T^2 keeps its size independent of T.
 *
 * Inputs: `targets` `[N, classes]`, `teacher` `[N, classes]` (logits of the original model).
 */
export function distillation({ temperature = 4, weight = 0.7 }: DistillationOptions = {}): Loss {
  return {
    name: 'distillation',
    inputs: (output) => [
      { name: 'targets', shape: output },
      { name: 'teacher', shape: output },
    ],
    build(tape, output, shape, [targets = '', teacher = '']) {
      const [batch = 1] = shape;
      const soft = (logits: string): string =>
        tape.op('LogSoftmax', [tape.op('Mul', [logits, tape.scalar(1 / temperature)])], { axis: int(-1) });
      const wanted = soft(teacher);
      const found = soft(output);
      const p = tape.op('Exp', [wanted]);
      const divergence = tape.sum(tape.op('Mul', [p, tape.op('Sub', [wanted, found])]), [0, 1]);
      const difference = tape.op('Sub', [tape.op('Exp', [found]), p]);
      const hard = crossEntropy.build(tape, output, shape, [targets]);
      return {
        value: blend(tape, divergence, (weight * temperature ** 2) / batch, hard.value, 1 - weight),
        gradient: blend(tape, difference, (weight * temperature) / batch, hard.gradient, 1 - weight),
      };
    },
  };
}

const blend = (tape: Tape, a: string, ofA: number, b: string, ofB: number): string =>
  tape.op('Add', [tape.op('Mul', [a, tape.scalar(ofA)]), tape.op('Mul', [b, tape.scalar(ofB)])]);
