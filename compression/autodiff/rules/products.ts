import { float, floatAttribute, int, intAttribute } from '../../../onnx/attributes.ts';
import { rule } from '../rule.ts';
import type { Tape } from '../tape.ts';

/** Y = alpha A' B' + beta C, where ' may transpose: dA' = alpha dY B'^T and dB' = alpha A'^T dY. */
export const gemm = rule(['Gemm'], ({ node, tape, dy, y, needs }) => {
  const [a = '', b = '', c = ''] = node.inputs;
  const alpha = float(floatAttribute(node, 'alpha', 1));
  const transA = intAttribute(node, 'transA', 0);
  const transB = intAttribute(node, 'transB', 0);
  const product = (left: string, right: string, transLeft: number, transRight: number): string =>
    tape.op('Gemm', [left, right], { alpha, transA: int(transLeft), transB: int(transRight) });
  const da = (): string => (transA === 0 ? product(dy, b, 0, 1 - transB) : product(b, dy, transB, 1));
  const db = (): string => (transB === 0 ? product(a, dy, 1 - transA, 0) : product(dy, a, 1, transA));
  const dc = (): string => {
    const summed = tape.unbroadcast(dy, tape.shape(y), tape.shape(c));
    const beta = floatAttribute(node, 'beta', 1);
    return beta === 1 ? summed : tape.op('Mul', [summed, tape.scalar(beta)]);
  };
  return [needs(0) ? da() : undefined, needs(1) ? db() : undefined, needs(2) ? dc() : undefined];
});

function swapLast(value: string, rank: number, tape: Tape): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  perm[rank - 2] = rank - 1;
  perm[rank - 1] = rank - 2;
  return tape.transpose(value, perm);
}

/** Y = A B over the last two axes: dA = dY B^T, dB = A^T dY, summed over what was broadcast. */
export const matMul = rule(['MatMul'], ({ node, tape, dy, y, needs }) => {
  const [a = '', b = ''] = node.inputs;
  const shapes = { a: tape.shape(a), b: tape.shape(b), y: tape.shape(y) };
  if (shapes.b.length === 2 && shapes.a.length > 2) {
    const [inner = 1, outer = 1] = shapes.b;
    const rows = shapes.a.reduce((product, dim) => product * dim, 1) / inner;
    const flatDy = tape.reshape(dy, [rows, outer]);
    return [
      needs(0) ? tape.op('MatMul', [dy, swapLast(b, 2, tape)]) : undefined,
      needs(1) ? tape.op('Gemm', [tape.reshape(a, [rows, inner]), flatDy], { transA: int(1) }) : undefined,
    ];
  }
  const broadcast = (left: readonly number[], right: readonly number[], of: readonly number[]): readonly number[] => [
    ...shapes.y.slice(0, -2),
    of === shapes.a ? left.at(-2)! : left.at(-1)!,
    of === shapes.a ? right.at(-2)! : right.at(-1)!,
  ];
  return [
    needs(0)
      ? tape.unbroadcast(
          tape.op('MatMul', [dy, swapLast(b, shapes.b.length, tape)]),
          broadcast(shapes.y, shapes.b, shapes.a),
          shapes.a,
        )
      : undefined,
    needs(1)
      ? tape.unbroadcast(
          tape.op('MatMul', [swapLast(a, shapes.a.length, tape), dy]),
          broadcast(shapes.a, shapes.y, shapes.b),
          shapes.b,
        )
      : undefined,
  ];
});
