import { axisOf, Contradiction } from './dimensions.ts';
import { type ShapeRule, typed } from './node-facts.ts';

const sameAsFirst: ShapeRule = (facts) => [facts.type(0)];

/** Scale, bias, mean and variance each hold one number a channel. */
const batchNormalization: ShapeRule = (facts) => {
  const channels = facts.shape(0)?.[1] ?? null;
  for (let i = 1; i <= 4; i++) {
    const shape = facts.shape(i);
    const length = shape?.[0] ?? null;
    if (shape !== null && shape.length !== 1)
      throw new Contradiction(`input ${i} has ${shape.length} dimensions, not 1`);
    if (typeof channels === 'number' && typeof length === 'number' && channels !== length) {
      throw new Contradiction(`input ${i} has ${length} entries for ${channels} channels`);
    }
  }
  return [facts.type(0), facts.type(3), facts.type(4)];
};

/** The mean and the inverse deviation keep the axes before `axis` and have 1 after. */
const layerNormalization: ShapeRule = (facts) => {
  const x = facts.shape(0);
  if (x === null) return [facts.type(0)];
  const axis = axisOf(facts.int('axis', -1), x.length);
  const statistics = typed(
    'float32',
    x.map((size, i) => (i < axis ? size : 1)),
  );
  return [facts.type(0), statistics, statistics];
};

const softmax: ShapeRule = (facts) => {
  const x = facts.shape(0);
  if (x !== null && x.length > 0)
    axisOf(facts.int('axis', facts.opset >= 13 ? -1 : 1), x.length + (facts.opset >= 13 ? 0 : 1));
  return [facts.type(0)];
};

/** Operators that rescale: the shape stays. */
export const NORMALIZATION: readonly (readonly [string, ShapeRule])[] = [
  ['BatchNormalization', batchNormalization],
  ['InstanceNormalization', sameAsFirst],
  ['GroupNormalization', sameAsFirst],
  ['LpNormalization', sameAsFirst],
  ['MeanVarianceNormalization', sameAsFirst],
  ['RMSNormalization', sameAsFirst],
  ['LRN', sameAsFirst],
  ['LayerNormalization', layerNormalization],
  ['Softmax', softmax],
  ['LogSoftmax', softmax],
  ['Hardmax', softmax],
];
