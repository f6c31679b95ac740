import { dataTypeOf } from '../types.ts';
import { broadcast, Contradiction, textOf } from './dimensions.ts';
import { type NodeFacts, type ShapeRule, typed } from './node-facts.ts';

const sameAsFirst: ShapeRule = (facts) => [facts.type(0)];

/** All inputs in one shape, of the first one's type. */
const broadcasting: ShapeRule = (facts) => {
  const shapes = facts.node.inputs.map((_, i) => facts.shape(i));
  const dtypes = facts.node.inputs.map((_, i) => facts.dtype(i));
  const known = dtypes.filter((dtype) => dtype !== undefined);
  if (new Set(known).size > 1) throw new Contradiction(`inputs of types ${known.join(' and ')}`);
  return [typed(known[0], legacyBroadcast(facts) ? facts.shape(0) : broadcast(shapes))];
};

/** Before operator set 7 the second operand was stretched to the first, along `axis`, where `broadcast` said so. */
const legacyBroadcast = (facts: NodeFacts): boolean => facts.opset < 7 && facts.node.inputs.length === 2;

const power: ShapeRule = (facts) => [typed(facts.dtype(0), broadcast([facts.shape(0), facts.shape(1)]))];

const comparison: ShapeRule = (facts) => [typed('bool', broadcast([facts.shape(0), facts.shape(1)]))];

const predicate: ShapeRule = (facts) => [typed('bool', facts.shape(0))];

/** The slope stretches to the input, never the other way (PRelu: unidirectional broadcasting). */
const prelu: ShapeRule = (facts) => {
  const shape = facts.shape(0);
  const slope = facts.shape(1);
  if (shape !== null && slope !== null && facts.opset >= 7) {
    const both = broadcast([shape, slope]);
    if (both !== null && both.length > shape.length) {
      throw new Contradiction(`the slope ${textOf(slope)} does not stretch to ${textOf(shape)}`);
    }
  }
  return [facts.type(0)];
};

const where: ShapeRule = (facts) => [
  typed(facts.dtype(1) ?? facts.dtype(2), broadcast([facts.shape(0), facts.shape(1), facts.shape(2)])),
];

const cast: ShapeRule = (facts) => [typed(dataTypeOf(facts.int('to', 0)), facts.shape(0))];

const castLike: ShapeRule = (facts) => [typed(facts.dtype(1), facts.shape(0))];

const dropout: ShapeRule = (facts) => {
  const type = facts.type(0);
  return [type, typed(facts.opset >= 10 ? 'bool' : type?.dtype, facts.shape(0))];
};

const each = (names: string, rule: ShapeRule): [string, ShapeRule][] => names.split(' ').map((name) => [name, rule]);

/** Operators that work on one element at a time, and those that are defined through such. */
export const ELEMENTWISE: readonly (readonly [string, ShapeRule])[] = [
  ...each(
    'Identity Relu LeakyRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Swish Mish Tanh Softplus Softsign',
    sameAsFirst,
  ),
  ...each('ThresholdedRelu Shrink Erf Gelu Sqrt Exp Log Neg Abs Reciprocal Floor Ceil Round Sign Clip', sameAsFirst),
  ...each('Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Not BitwiseNot', sameAsFirst),
  ...each('Add Sub Mul Div Min Max Sum Mean Mod BitShift BitwiseAnd BitwiseOr BitwiseXor And Or Xor', broadcasting),
  ...each('Equal Greater Less GreaterOrEqual LessOrEqual', comparison),
  ...each('IsNaN IsInf', predicate),
  ['Pow', power],
  ['PRelu', prelu],
  ['Where', where],
  ['Cast', cast],
  ['CastLike', castLike],
  ['Dropout', dropout],
];
