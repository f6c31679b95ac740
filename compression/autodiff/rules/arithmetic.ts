import { rule } from '../rule.ts';

/** d(a + b): each operand gets dy, summed over the axes along which it was repeated. */
export const add = rule(['Add'], ({ node, tape, dy, y, needs }) =>
  node.inputs.map((input, i) => (needs(i) ? tape.unbroadcast(dy, tape.shape(y), tape.shape(input)) : undefined)),
);

export const sub = rule(['Sub'], ({ node, tape, dy, y, needs }) => {
  const [a = '', b = ''] = node.inputs;
  return [
    needs(0) ? tape.unbroadcast(dy, tape.shape(y), tape.shape(a)) : undefined,
    needs(1) ? tape.unbroadcast(tape.op('Neg', [dy]), tape.shape(y), tape.shape(b)) : undefined,
  ];
});

/** d(a b) = b da + a db. */
export const mul = rule(['Mul'], ({ node, tape, dy, y, needs }) => {
  const [a = '', b = ''] = node.inputs;
  const side = (of: string, other: string): string =>
    tape.unbroadcast(tape.op('Mul', [dy, other]), tape.shape(y), tape.shape(of));
  return [needs(0) ? side(a, b) : undefined, needs(1) ? side(b, a) : undefined];
});

/** d(a / b) = da / b - y db / b. */
export const div = rule(['Div'], ({ node, tape, dy, y, needs }) => {
  const [a = '', b = ''] = node.inputs;
  if (!needs(0) && !needs(1)) return [];
  const quotient = tape.op('Div', [dy, b]);
  return [
    needs(0) ? tape.unbroadcast(quotient, tape.shape(y), tape.shape(a)) : undefined,
    needs(1)
      ? tape.unbroadcast(tape.op('Neg', [tape.op('Mul', [quotient, y])]), tape.shape(y), tape.shape(b))
      : undefined,
  ];
});
