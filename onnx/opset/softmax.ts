import { int, intAttribute } from '../attributes.ts';
import type { Attributes, Node } from '../graph.ts';
import type { OpsetRule } from './rule.ts';

/**
 * Until version 12 the input was flattened to two dimensions at `axis` (default 1) and normalised over all of the
 * second; from 13 on one axis alone is meant (default -1). They agree where everything after `axis` has one entry;
 * elsewhere the flattening is written out.
 */
const normaliseFlattened = (opType: string): OpsetRule => ({
  opType,
  since: 13,
  convert(node, context) {
    const [x = ''] = node.inputs;
    const [output = ''] = node.outputs;
    const { build } = context;
    const shape = context.type(x)?.shape ?? null;
    const axis = intAttribute(node, 'axis', 1);
    const from = shape !== null && axis < 0 ? axis + shape.length : axis;
    if (shape !== null && from < shape.length && shape.slice(from + 1).every((size) => size === 1)) {
      return [{ ...node, attributes: { ...node.attributes, axis: int(axis) } }];
    }
    const value = (part: string): string => build.value(`${node.name}_${part}`);
    const [flat, scores, dims] = [value('flat'), value('scores'), value('dims')];
    const step = (type: string, inputs: readonly string[], output: string, attributes: Attributes = {}): Node =>
      build.made(type, inputs, output, attributes, { name: `${node.name}_${type}` });
    return [
      step('Flatten', [x], flat, { axis: int(axis) }),
      { ...node, inputs: [flat], outputs: [scores], attributes: { axis: int(-1) } },
      step('Shape', [x], dims),
      step('Reshape', [scores, dims], output),
    ];
  },
});

export const SOFTMAX_RULES: readonly OpsetRule[] = ['Softmax', 'LogSoftmax', 'Hardmax'].map(normaliseFlattened);
