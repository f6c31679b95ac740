import { float32Tensor } from '../../../onnx/tensor.ts';
import type { Loss } from './loss.ts';

interface GridLossOptions {
  /** Of each channel of the output: it holds a score. The others hold sizes. */
  readonly scores: readonly boolean[];
  /** What an error of 1 in a size weighs. */
  readonly sizeWeight: number;
  /** What the sum is divided by besides the batch: objects of an image, about. */
  readonly objects: number;
}

/**
 * Loss of a network that gives a map of scores, and sizes beside them: L = 1/(N objects) sum w l with
 * l = (p - t)^2 (softplus(z) - t z), p = sigmoid(z), for scores (quality focal loss, Li 2020, equation 3 with beta 2: t may be any share), and
 * l = sizeWeight |z - t| for sizes.
 * dz = 2 (p - t) p (1 - p) (softplus(z) - t z) + (p - t)^3 and sizeWeight sign(z - t).
 *
 * One input `targets` `[N, 2 channels, H, W]`: what each value should be, then what it weighs.
 */
export function gridLoss({ scores, sizeWeight, objects }: GridLossOptions): Loss {
  return {
    name: 'grid',
    inputs: ([batch = 1, channels = 1, ...map]) => [{ name: 'targets', shape: [batch, 2 * channels, ...map] }],
    build(tape, output, [batch = 1, channels = 1], [targets = '']) {
      const op = (type: string, ...inputs: string[]): string => tape.op(type, inputs);
      const half = (from: number): string => tape.slice(targets, [1], [from], [from + channels]);
      const [wanted, weight] = [half(0), half(channels)];
      const mask = (name: string, of: (isScore: boolean) => number): string =>
        tape.constant(name, float32Tensor([1, channels, 1, 1], Float32Array.from(scores, of)));
      const share = tape.scalar(1 / (batch * objects));
      const ofScores = op('Mul', op('Mul', weight, mask('score_mask', Number)), share);
      const ofSizes = op(
        'Mul',
        op(
          'Mul',
          weight,
          mask('size_mask', (is) => (is ? 0 : sizeWeight)),
        ),
        share,
      );

      const p = op('Sigmoid', output);
      const entropy = op('Sub', op('Softplus', output), op('Mul', wanted, output));
      const off = op('Sub', p, wanted);
      const square = op('Mul', off, off);
      const slope = op('Mul', p, op('Sub', tape.scalar(1), p));
      const away = op('Sub', output, wanted);
      const value = op('Add', op('Mul', ofScores, op('Mul', square, entropy)), op('Mul', ofSizes, op('Abs', away)));
      const focal = op(
        'Add',
        op('Mul', op('Mul', tape.scalar(2), off), op('Mul', slope, entropy)),
        op('Mul', square, off),
      );
      return {
        value: tape.sum(value, [0, 1, 2, 3]),
        gradient: op('Add', op('Mul', ofScores, focal), op('Mul', ofSizes, op('Sign', away))),
      };
    },
  };
}
