import type { Loss } from './loss.ts';

/**
 * Mean squared difference from a given activation: L = 1/M sum (y - y*)^2, dy = 2 (y - y*) / M, M = elements of y.
 * One input, `wanted`, of the output's shape: for layers that are fitted to what the original layer gave.
 */
export const reconstruction: Loss = {
  name: 'reconstruction',
  inputs: (output) => [{ name: 'wanted', shape: output }],
  build(tape, output, shape, [wanted = '']) {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const difference = tape.op('Sub', [output, wanted]);
    const axes = shape.map((_, axis) => axis);
    const squares = tape.sum(tape.op('Mul', [difference, difference]), axes);
    return {
      value: tape.op('Mul', [squares, tape.scalar(1 / count)]),
      gradient: tape.op('Mul', [difference, tape.scalar(2 / count)]),
    };
  },
};
