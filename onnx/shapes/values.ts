import { tensorAttribute } from '../attributes.ts';
import type { Dimension, Shape } from '../graph.ts';
import { asFloat32, asIntegers, elementCount, type Tensor } from '../tensor.ts';
import { DATA_TYPES } from '../types.ts';
import { add, axisOf, multiply, product } from './dimensions.ts';
import type { KnownValues, NodeFacts, ValueRule } from './node-facts.ts';
import { sliceBounds } from './selection.ts';
import { shapeBounds } from './sources.ts';

/** Longer tensors are data, not shapes. */
export const MAX_KNOWN_VALUES = 256;

/** The elements of a small constant; undefined for large ones and for types no shape is computed in. */
export function valuesOfTensor(tensor: Tensor): KnownValues | undefined {
  if (elementCount(tensor.dims) > MAX_KNOWN_VALUES) return undefined;
  if (tensor.dtype === 'int64' || tensor.dtype === 'int32') return asIntegers(tensor);
  if (tensor.dtype === 'float32') return [...asFloat32(tensor)];
  return tensor.dtype === 'bool' ? [...tensor.bytes] : undefined;
}

const isFloat = (facts: NodeFacts): boolean => facts.dtype(0) === 'float32';

const pass: ValueRule = (facts) => facts.values(0);

const constant: ValueRule = ({ node }) => {
  const value = tensorAttribute(node, 'value');
  if (value !== undefined) return valuesOfTensor(value);
  for (const name of ['value_int', 'value_float', 'value_ints', 'value_floats']) {
    const attribute = node.attributes[name];
    if (attribute?.type === 'int' || attribute?.type === 'float') return [attribute.value];
    if (attribute?.type === 'ints' || attribute?.type === 'floats') return attribute.value;
  }
  return undefined;
};

const shape: ValueRule = (facts) => facts.shape(0)?.slice(...shapeBounds(facts));

const size: ValueRule = (facts) => {
  const x = facts.shape(0);
  return x === null ? undefined : [product(x)];
};

const constantOfShape: ValueRule = (facts) => {
  const count = facts.numbers(0)?.reduce((a, b) => a * b, 1);
  if (count === undefined || !(count >= 0 && count <= MAX_KNOWN_VALUES)) return undefined;
  const value = tensorAttribute(facts.node, 'value');
  const fill = value === undefined ? 0 : valuesOfTensor(value)?.[0];
  return fill === undefined ? undefined : new Array<Dimension>(count).fill(fill);
};

const gather: ValueRule = (facts) => {
  const x = facts.values(0);
  if (x === undefined || facts.shape(0)?.length !== 1) return undefined;
  return facts.numbers(1)?.map((index) => x[axisOf(index, x.length)] ?? null);
};

const concat: ValueRule = (facts) => {
  const joined: Dimension[] = [];
  for (const i of facts.node.inputs.keys()) {
    const part = facts.shape(i)?.length === 1 ? facts.values(i) : undefined;
    if (part === undefined || joined.length + part.length > MAX_KNOWN_VALUES) return undefined;
    joined.push(...part);
  }
  return joined;
};

const slice: ValueRule = (facts) => {
  const x = facts.values(0);
  const start = facts.intsAt('starts', 1).ints?.[0];
  const end = facts.intsAt('ends', 2).ints?.[0];
  const step = facts.has(4) ? facts.numbers(4)?.[0] : 1;
  if (x === undefined || start === undefined || end === undefined || step === undefined || step === 0) return undefined;
  if (facts.shape(0)?.length !== 1) return undefined;
  const { from, to } = sliceBounds(x.length, start, end, step);
  const taken: Dimension[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) taken.push(x[i] ?? null);
  return taken;
};

const cast: ValueRule = (facts) => {
  const to = facts.int('to', 0);
  if (to === DATA_TYPES.bool) return facts.values(0)?.map((x) => (typeof x === 'number' ? Number(x !== 0) : null));
  const whole = to === DATA_TYPES.int32 || to === DATA_TYPES.int64;
  if (!whole && to !== DATA_TYPES.float32) return undefined;
  return facts.values(0)?.map((value) => (typeof value === 'number' && whole ? Math.trunc(value) : value));
};

const range: ValueRule = (facts) => {
  const [start, limit, delta] = [facts.numbers(0)?.[0], facts.numbers(1)?.[0], facts.numbers(2)?.[0]];
  if (start === undefined || limit === undefined || !delta) return undefined;
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  return count <= MAX_KNOWN_VALUES ? Array.from({ length: count }, (_, i) => start + i * delta) : undefined;
};

/** Element by element, where one side may be a single number. */
function zipped(facts: NodeFacts, a: number, b: number, f: (x: Dimension, y: Dimension) => Dimension) {
  const left = facts.values(a);
  const right = facts.values(b);
  if (left === undefined || right === undefined || isWide(facts.shape(a)) || isWide(facts.shape(b))) return undefined;
  if (left.length !== right.length && left.length !== 1 && right.length !== 1) return undefined;
  const length = left.length === 1 ? right.length : left.length;
  const at = (side: KnownValues, i: number): Dimension => (side.length === 1 ? side[0] : side[i]) ?? null;
  return Array.from({ length }, (_, i) => f(at(left, i), at(right, i)));
}

const isWide = (of: Shape | null): boolean => of === null || of.length > 1;

const numeric =
  (f: (x: number, y: number) => number): ValueRule =>
  (facts) =>
    zipped(facts, 0, 1, (x, y) => (typeof x === 'number' && typeof y === 'number' ? f(x, y) : null));

const divide: ValueRule = (facts) =>
  zipped(facts, 0, 1, (x, y) => {
    if (y === 1) return x;
    if (typeof x !== 'number' || typeof y !== 'number' || y === 0) return null;
    return isFloat(facts) ? Math.fround(x / y) : Math.trunc(x / y);
  });

const single =
  (f: (x: number) => number): ValueRule =>
  (facts) =>
    facts.values(0)?.map((x) => (typeof x === 'number' ? f(x) : null));

const where: ValueRule = (facts) => {
  const condition = facts.values(0);
  const chosen = zipped(facts, 1, 2, () => null);
  if (condition === undefined || chosen === undefined || isWide(facts.shape(0))) return undefined;
  const [yes = [], no = []] = [facts.values(1), facts.values(2)];
  const length = Math.max(condition.length, yes.length, no.length);
  const at = (side: KnownValues, i: number): Dimension => (side.length === 1 ? side[0] : side[i]) ?? null;
  return Array.from({ length }, (_, i) => {
    const test = at(condition, i);
    return typeof test === 'number' ? at(test === 0 ? no : yes, i) : null;
  });
};

/** Operators that exporters compute shapes with. */
export const VALUE_RULES: ReadonlyMap<string, ValueRule> = new Map<string, ValueRule>([
  ['Identity', pass],
  ['Squeeze', pass],
  ['Unsqueeze', pass],
  ['Reshape', pass],
  ['Constant', constant],
  ['Shape', shape],
  ['Size', size],
  ['ConstantOfShape', constantOfShape],
  ['Gather', gather],
  ['Concat', concat],
  ['Slice', slice],
  ['Cast', cast],
  ['Range', range],
  ['Add', (facts) => zipped(facts, 0, 1, add)],
  ['Mul', (facts) => zipped(facts, 0, 1, multiply)],
  [
    'Sub',
    (facts) =>
      zipped(facts, 0, 1, (x, y) => (y === 0 ? x : typeof x === 'number' && typeof y === 'number' ? x - y : null)),
  ],
  ['Div', divide],
  ['Min', numeric(Math.min)],
  ['Max', numeric(Math.max)],
  ['Equal', numeric((x, y) => Number(x === y))],
  ['Greater', numeric((x, y) => Number(x > y))],
  ['Less', numeric((x, y) => Number(x < y))],
  ['GreaterOrEqual', numeric((x, y) => Number(x >= y))],
  ['LessOrEqual', numeric((x, y) => Number(x <= y))],
  ['And', numeric((x, y) => Number(x !== 0 && y !== 0))],
  ['Or', numeric((x, y) => Number(x !== 0 || y !== 0))],
  ['Xor', numeric((x, y) => Number((x !== 0) !== (y !== 0)))],
  ['Not', single((x) => Number(x === 0))],
  ['Where', where],
  ['Neg', single((x) => -x)],
  ['Abs', single(Math.abs)],
  ['Floor', single(Math.floor)],
  ['Ceil', single(Math.ceil)],
]);
