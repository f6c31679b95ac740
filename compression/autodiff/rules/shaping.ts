import { WaysideError } from '../../../core/errors.ts';
import { intAttribute, intsAttribute, stringAttribute } from '../../../onnx/attributes.ts';
import type { Node } from '../../../onnx/graph.ts';
import { asIntegers } from '../../../onnx/tensor.ts';
import { type Backward, type GradientRule, rule } from '../rule.ts';
import type { Tape } from '../tape.ts';

/** Operators that only rename or regroup: the gradient takes the input's shape again. */
export const regrouping = rule(
  ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity', 'Dropout'],
  ({ node, tape, dy }) => [tape.reshape(dy, tape.shape(node.inputs[0] ?? ''))],
);

/** The inverse permutation. */
export const transpose = rule(['Transpose'], ({ node, tape, dy }) => {
  const rank = tape.shape(node.inputs[0] ?? '').length;
  const reversed = Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const perm = intsAttribute(node, 'perm', reversed);
  const inverse = new Array<number>(rank);
  perm.forEach((from, to) => {
    inverse[from] = to;
  });
  return [tape.transpose(dy, inverse)];
});

/** Each operand gets its part. */
export const concat = rule(['Concat'], ({ node, tape, dy, y, needs }) => {
  const rank = tape.shape(y).length;
  const axis = (intAttribute(node, 'axis', 0) + rank) % rank;
  let start = 0;
  return node.inputs.map((input, i) => {
    const from = start;
    start += tape.shape(input)[axis] ?? 0;
    return needs(i) ? tape.slice(dy, [axis], [from], [start]) : undefined;
  });
});

/** The constant integers of an optional input. */
function constants(node: Node, input: number, tape: Tape): readonly number[] | undefined {
  const name = node.inputs[input] ?? '';
  if (name === '') return undefined;
  const tensor = tape.initializers.get(name);
  if (tensor !== undefined) return asIntegers(tensor);
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `no gradient for ${node.opType} ${node.name}: its input ${name} is not constant`,
    hint: 'fold the constants of the model first',
  });
}

/** Zeros around the part that was cut out, and between its elements where it was cut with a stride. */
export const slice = rule(['Slice'], ({ node, tape, dy, y }) => {
  const input = tape.shape(node.inputs[0] ?? '');
  const output = tape.shape(y);
  const rank = input.length;
  const starts = constants(node, 1, tape) ?? [];
  const axes = constants(node, 3, tape) ?? starts.map((_, i) => i);
  const steps = constants(node, 4, tape) ?? starts.map(() => 1);
  const before = new Array<number>(rank).fill(0);
  const step = new Array<number>(rank).fill(1);
  axes.forEach((each, i) => {
    const axis = (each + rank) % rank;
    const size = input[axis]!;
    const start = starts[i]!;
    before[axis] = Math.min(size, Math.max(0, start < 0 ? start + size : start));
    step[axis] = steps[i]!;
  });
  if (step.some((each) => each < 1)) {
    throw new WaysideError('MODEL_UNSUPPORTED', { message: `no gradient for Slice ${node.name}: it runs backwards` });
  }
  const spread = step.every((each) => each === 1) ? dy : spreadOut(dy, output, step, tape);
  const spreadSize = output.map((size, axis) => (size - 1) * step[axis]! + 1);
  const after = input.map((size, axis) => size - before[axis]! - spreadSize[axis]!);
  return [tape.pad(spread, [...before, ...after])];
});

/** Puts `step - 1` zeros between neighbours: each element becomes the first of a group of `step`, then the tail is cut. */
function spreadOut(value: string, shape: readonly number[], step: readonly number[], tape: Tape): string {
  const rank = shape.length;
  const paired = tape.reshape(
    value,
    shape.flatMap((size) => [size, 1]),
  );
  const zeros = new Array<number>(2 * rank).fill(0);
  const groups = tape.pad(paired, [...zeros, ...step.flatMap((each) => [0, each - 1])]);
  const long = tape.reshape(
    groups,
    shape.map((size, axis) => size * step[axis]!),
  );
  const axes = shape.map((_, axis) => axis);
  return tape.slice(
    long,
    axes,
    axes.map(() => 0),
    shape.map((size, axis) => (size - 1) * step[axis]! + 1),
  );
}

/** What was put around is cut off again; `pads` may also be negative, which had cut something off. */
export const pad = rule(['Pad'], ({ node, tape, dy }) => {
  const mode = stringAttribute(node, 'mode', 'constant');
  if (mode !== 'constant') {
    throw new WaysideError('MODEL_UNSUPPORTED', { message: `no gradient for Pad ${node.name} of mode ${mode}` });
  }
  const shape = tape.shape(node.inputs[0] ?? '');
  const rank = shape.length;
  const pads = constants(node, 1, tape) ?? [];
  const axes = constants(node, 3, tape)?.map((axis) => (axis + rank) % rank) ?? shape.map((_, axis) => axis);
  const inverse = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    inverse[axis] = -pads[i]!;
    inverse[axis + rank] = -pads[i + axes.length]!;
  });
  return [tape.pad(dy, inverse)];
});

/** Summed over what was repeated. */
export const expand = rule(['Expand'], ({ node, tape, dy, y }) => [
  tape.unbroadcast(dy, tape.shape(y), tape.shape(node.inputs[0] ?? '')),
]);

/** The parts side by side again; a part that no gradient reached counts as zeros. */
export const split: GradientRule = {
  opTypes: ['Split'],
  backward: ({ node, tape, gradients }: Backward) => {
    const rank = tape.shape(node.inputs[0] ?? '').length;
    const axis = (intAttribute(node, 'axis', 0) + rank) % rank;
    const parts = node.outputs.map(
      (output, i) => gradients[i] ?? tape.op('ConstantOfShape', [tape.ints(tape.shape(output))]),
    );
    return [tape.op('Concat', parts, { axis: { type: 'int', value: axis } })];
  },
};
