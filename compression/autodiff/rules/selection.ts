import { intAttribute, string } from '../../../onnx/attributes.ts';
import { rule } from '../rule.ts';

/**
 * Each element gets the sum of the gradients of the places it was copied to: that of a centroid is the sum over the
 * weights that share it (Han 2016). ScatterElements adds in one thread, so that the sum is the same every time.
 */
export const gather = rule(['Gather'], ({ node, tape, dy, needs }) => {
  const [data = '', indices = ''] = node.inputs;
  if (!needs(0)) return [];
  const shape = tape.shape(data);
  const axis = (intAttribute(node, 'axis', 0) + shape.length) % shape.length;
  const size = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);
  const [before, after] = [size(shape.slice(0, axis)), size(shape.slice(axis + 1))];
  const places = [before, size(tape.shape(indices)), after];
  const zeros = tape.op('ConstantOfShape', [tape.ints([before, shape[axis]!, after])]);
  const chosen = tape.op('Expand', [tape.reshape(indices, [1, places[1]!, 1]), tape.ints(places)]);
  const sums = tape.op('ScatterElements', [zeros, chosen, tape.reshape(dy, places)], {
    axis: { type: 'int', value: 1 },
    reduction: string('add'),
  });
  return [tape.reshape(sums, shape)];
});
