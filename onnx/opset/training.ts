import { intAttribute } from '../attributes.ts';
import type { Node } from '../graph.ts';
import { notConvertible, type OpsetRule, withoutAttributes } from './rule.ts';

const onlyFirstOutput = (node: Node): boolean => node.outputs.slice(1).every((output) => output === '');

/** BatchNormalization-9 lost `spatial`: statistics are always per channel. */
const spatial: OpsetRule = {
  opType: 'BatchNormalization',
  since: 9,
  convert(node) {
    if (intAttribute(node, 'spatial', 1) !== 1) throw notConvertible(node, 9, 'its statistics are per position');
    return [{ ...node, attributes: withoutAttributes(node.attributes, 'spatial') }];
  },
};

/** BatchNormalization-14 has other outputs when training; at inference there was and is one. */
const statistics: OpsetRule = {
  opType: 'BatchNormalization',
  since: 14,
  convert(node) {
    if (!onlyFirstOutput(node)) throw notConvertible(node, 14, 'it is in training mode');
    return [{ ...node, outputs: node.outputs.slice(0, 1) }];
  },
};

/** The mask of Dropout-10 is boolean. */
const mask: OpsetRule = {
  opType: 'Dropout',
  since: 10,
  convert(node) {
    if (!onlyFirstOutput(node)) throw notConvertible(node, 10, 'its mask is used');
    return [{ ...node, outputs: node.outputs.slice(0, 1) }];
  },
};

/** Dropout-12 takes the ratio as an input, which only training reads. */
const ratio: OpsetRule = {
  opType: 'Dropout',
  since: 12,
  convert: (node) => [{ ...node, attributes: withoutAttributes(node.attributes, 'ratio') }],
};

/** GroupNormalization-21 takes scale and bias per channel instead of per group. */
const groups: OpsetRule = {
  opType: 'GroupNormalization',
  since: 21,
  convert(node) {
    throw notConvertible(node, 21, 'its scale is per group');
  },
};

/** Operators that differ between training and inference, and normalization. */
export const TRAINING_RULES: readonly OpsetRule[] = [spatial, statistics, mask, ratio, groups];
