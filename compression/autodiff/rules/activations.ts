import { float, floatAttribute, int } from '../../../onnx/attributes.ts';
import { DATA_TYPES } from '../../../onnx/types.ts';
import { type GradientRule, rule } from '../rule.ts';
import type { Tape } from '../tape.ts';

type Derivative = (tape: Tape, dy: string, y: string, x: string) => string;

const elementwise = (opType: string, derivative: Derivative): GradientRule =>
  rule([opType], ({ node, tape, dy, y }) => [derivative(tape, dy, y, node.inputs[0] ?? '')]);

/**
 * dy where the condition holds, 0 elsewhere: as a product with 0 or 1. Where took ten times as long (9.6 ms against 0.9
 * for 2 million elements), Sign twice.
 */
const where = (tape: Tape, condition: string, dy: string): string =>
  tape.op('Mul', [dy, tape.op('Cast', [condition], { to: int(DATA_TYPES.float32) })]);

/**
 * 1 where x > 0, else 0: max(0, min(1, 1e38 x)), in one pass that all threads share. With the product 0.9 ms for 2 million
 * elements against 1.1 for Greater and Cast, of which Cast runs on one thread only. A positive x below 1e-38 counts in part.
 */
const isPositive = (tape: Tape, x: string): string =>
  tape.op('HardSigmoid', [x], { alpha: float(1e38), beta: float(0) });

/** The derivative at 0 is taken as 0, as everywhere. */
export const relu = elementwise('Relu', (tape, dy, y) => tape.op('Mul', [dy, isPositive(tape, y)]));

/** Passes where x lies strictly inside the bounds. */
export const clip = rule(['Clip'], ({ node, tape, dy }) => {
  const [x = '', low = '', high = ''] = node.inputs;
  const above = low === '' ? undefined : tape.op('Greater', [x, low]);
  const below = high === '' ? undefined : tape.op('Less', [x, high]);
  if (above === undefined && below === undefined) return [dy];
  const inside = above && below ? tape.op('And', [above, below]) : (above ?? below)!;
  return [where(tape, inside, dy)];
});

export const leakyRelu = rule(['LeakyRelu'], ({ node, tape, dy }) => {
  const slope = tape.op('Mul', [dy, tape.scalar(floatAttribute(node, 'alpha', 0.01))]);
  return [tape.op('Where', [tape.op('Greater', [node.inputs[0] ?? '', tape.scalar(0)]), dy, slope])];
});

/** s' = s (1 - s). */
export const sigmoid = elementwise('Sigmoid', (tape, dy, y) =>
  tape.op('Mul', [dy, tape.op('Mul', [y, tape.op('Sub', [tape.scalar(1), y])])]),
);

/** t' = 1 - t^2. */
export const tanh = elementwise('Tanh', (tape, dy, y) =>
  tape.op('Mul', [dy, tape.op('Sub', [tape.scalar(1), tape.op('Mul', [y, y])])]),
);

export const exp = elementwise('Exp', (tape, dy, y) => tape.op('Mul', [dy, y]));
export const log = elementwise('Log', (tape, dy, _, x) => tape.op('Div', [dy, x]));
export const neg = elementwise('Neg', (tape, dy) => tape.op('Neg', [dy]));
export const abs = elementwise('Abs', (tape, dy, _, x) => tape.op('Mul', [dy, tape.op('Sign', [x])]));

/** (sqrt x)' = 1 / (2 sqrt x). */
export const sqrt = elementwise('Sqrt', (tape, dy, y) => tape.op('Div', [tape.op('Mul', [dy, tape.scalar(0.5)]), y]));

/** erf' = 2 / sqrt(pi) exp(-x^2). */
export const erf = elementwise('Erf', (tape, dy, _, x) => {
  const bell = tape.op('Exp', [tape.op('Neg', [tape.op('Mul', [x, x])])]);
  return tape.op('Mul', [dy, tape.op('Mul', [bell, tape.scalar(2 / Math.sqrt(Math.PI))])]);
});

/** max(0, min(1, alpha x + beta)): slope alpha where the result lies strictly between 0 and 1. */
export const hardSigmoid = rule(['HardSigmoid'], ({ node, tape, dy, y }) => {
  const inside = tape.op('And', [tape.op('Greater', [y, tape.scalar(0)]), tape.op('Less', [y, tape.scalar(1)])]);
  return [where(tape, inside, tape.op('Mul', [dy, tape.scalar(floatAttribute(node, 'alpha', 0.2))]))];
});

/** x max(0, min(1, x/6 + 1/2)): 0 below -3, 1 above 3, x/3 + 1/2 between. */
export const hardSwish = elementwise('HardSwish', (tape, dy, _, x) => {
  const line = tape.op('Add', [tape.op('Mul', [x, tape.scalar(1 / 3)]), tape.scalar(0.5)]);
  const inner = tape.op('Where', [tape.op('Less', [x, tape.scalar(3)]), line, tape.scalar(1)]);
  const slope = tape.op('Where', [tape.op('Greater', [x, tape.scalar(-3)]), inner, tape.scalar(0)]);
  return tape.op('Mul', [dy, slope]);
});
