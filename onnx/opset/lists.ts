import { int, intAttribute, intsAttribute } from '../attributes.ts';
import { int64Tensor } from '../tensor.ts';
import { type OpsetRule, withInput, withoutAttributes } from './rule.ts';

/** An integer list that was an attribute and became an input. */
const listToInput = (opType: string, since: number, attribute: string, at: number): OpsetRule => ({
  opType,
  since,
  convert(node, context) {
    const list = intsAttribute(node, attribute, undefined);
    if (list === undefined) return [node];
    const input = context.build.constant(`${node.name}_${attribute}`, int64Tensor([list.length], list));
    return [
      { ...node, inputs: withInput(node.inputs, at, input), attributes: withoutAttributes(node.attributes, attribute) },
    ];
  },
});

/** Slice-10: starts, ends and axes in one step, so that the inputs come in their order. */
const slice: OpsetRule = {
  opType: 'Slice',
  since: 10,
  convert(node, context) {
    const names = ['starts', 'ends', 'axes'];
    const inputs = names.map((name) => {
      const list = intsAttribute(node, name, undefined);
      return list === undefined ? '' : context.build.constant(`${node.name}_${name}`, int64Tensor([list.length], list));
    });
    if (inputs.at(-1) === '') inputs.pop();
    return [{ ...node, inputs: [...node.inputs, ...inputs], attributes: withoutAttributes(node.attributes, ...names) }];
  },
};

const topK: OpsetRule = {
  opType: 'TopK',
  since: 10,
  convert(node, context) {
    const k = context.build.constant(`${node.name}_k`, int64Tensor([1], [intAttribute(node, 'k', 1)]));
    return [{ ...node, inputs: withInput(node.inputs, 1, k), attributes: withoutAttributes(node.attributes, 'k') }];
  },
};

/** Split-18 wants to hear the number of parts where no sizes are given. */
const splitCount: OpsetRule = {
  opType: 'Split',
  since: 18,
  convert(node) {
    if ((node.inputs[1] ?? '') !== '') return [node];
    return [{ ...node, attributes: { ...node.attributes, num_outputs: int(node.outputs.length) } }];
  },
};

const REDUCERS = ['Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'];

export const LIST_RULES: readonly OpsetRule[] = [
  slice,
  topK,
  listToInput('Squeeze', 13, 'axes', 1),
  listToInput('Unsqueeze', 13, 'axes', 1),
  listToInput('Split', 13, 'split', 1),
  listToInput('ReduceSum', 13, 'axes', 1),
  ...REDUCERS.map((name) => listToInput(`Reduce${name}`, 18, 'axes', 1)),
  splitCount,
];
