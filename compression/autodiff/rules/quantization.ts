import { WaysideError } from '../../../core/errors.ts';
import { float } from '../../../onnx/attributes.ts';
import { rule } from '../rule.ts';
import type { Tape } from '../tape.ts';

/** Largest code of uint8; of int8 it is half of that, a constant factor that the optimizer does not see. */
const LARGEST = 255;

/** A value this far beyond the last code, in steps, still counts as inside: float32 cannot tell it from one at the edge. */
const SLACK = 1e-3;

/**
 * Learned step size quantization (Esser 2020), for one scale for the whole tensor. The gradient of a quantized value is that
 * of the number it stands for, so dy arrives as that of x^ = s (clip(round(x / s) + z) - z):
 *
 * - dx = dy where x lies within the codes, 0 where it was cut off: straight through the rounding (their equation 5);
 * - ds = g sum(dy (x^ - [inside] x) / s), the equation 3 of theirs, with g = 1 / sqrt(elements * largest code).
 *
 * Inside is where rounding moved x by no more than half a step.
 */
export const quantizeLinear = rule(['QuantizeLinear'], ({ node, tape, dy, y, needs }) => {
  const [x = '', scale = '', zeroPoint = ''] = node.inputs;
  if (tape.shape(scale).some((dim) => dim !== 1)) {
    throw new WaysideError('MODEL_UNSUPPORTED', { message: `no gradient for ${node.name}: it has a scale a channel` });
  }
  const parameters = zeroPoint === '' ? [scale] : [scale, zeroPoint];
  const rounded = tape.op('DequantizeLinear', [y, ...parameters], node.attributes);
  const moved = tape.op('Abs', [tape.op('Sub', [rounded, x])]);
  const room = tape.op('Sub', [tape.op('Mul', [scale, tape.scalar(0.5 + SLACK)]), moved]);
  const inside = tape.op('HardSigmoid', [room], { alpha: float(1e38), beta: float(0) });
  const dx = tape.op('Mul', [dy, inside]);
  return [needs(0) ? dx : undefined, needs(1) ? scaleGradient(tape, { dy, rounded, x, inside, scale }) : undefined];
});

/** A sum of products is one product of matrices: no tensor of products is written. */
function scaleGradient(
  tape: Tape,
  { dy, rounded, x, inside, scale }: Readonly<Record<'dy' | 'rounded' | 'x' | 'inside' | 'scale', string>>,
): string {
  const elements = tape.shape(x).reduce((product, dim) => product * dim, 1);
  const steps = tape.op('Sub', [rounded, tape.op('Mul', [x, inside])]);
  const sum = tape.op('MatMul', [tape.reshape(dy, [1, elements]), tape.reshape(steps, [elements, 1])]);
  const damped = tape.op('Mul', [tape.reshape(sum, tape.shape(scale)), tape.scalar(1 / Math.sqrt(elements * LARGEST))]);
  return tape.op('Div', [damped, scale]);
}

/** A quantized value's gradient is that of the number it stands for: nothing is left to do. */
export const dequantizeLinear = rule(['DequantizeLinear'], ({ dy }) => [dy]);
