import type { Dimension, Shape } from '../graph.ts';
import { add, axisOf, Contradiction, textOf, unify } from './dimensions.ts';
import { type NodeFacts, type ShapeRule, typed } from './node-facts.ts';

const concat: ShapeRule = (facts) => {
  const dtype = facts.node.inputs.map((_, i) => facts.dtype(i)).find((type) => type !== undefined);
  let result: Shape | null = null;
  for (const i of facts.node.inputs.keys()) {
    const shape = facts.shape(i);
    if (shape === null) return [typed(dtype, null)];
    if (result === null) {
      result = shape;
      axisOf(facts.int('axis', 1), shape.length);
      continue;
    }
    if (shape.length !== result.length) throw new Contradiction(`${textOf(result)} and ${textOf(shape)} do not join`);
    const axis = axisOf(facts.int('axis', 1), shape.length);
    result = result.map((size: Dimension, at): Dimension => {
      const other = shape[at] ?? null;
      return at === axis ? add(size, other) : unify(size, other);
    });
  }
  return [typed(dtype, result)];
};

const split: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const dtype = facts.dtype(0);
  const count = facts.node.outputs.length;
  if (x === null) return facts.node.outputs.map(() => typed(dtype, null));
  const axis = axisOf(facts.int('axis', 0), x.length);
  const sizes = partSizes(facts, x[axis] ?? null, count);
  return facts.node.outputs.map((_, part) =>
    typed(
      dtype,
      x.map((size, i) => (i === axis ? (sizes[part] ?? null) : size)),
    ),
  );
};

function partSizes(facts: NodeFacts, whole: Dimension, count: number): readonly Dimension[] {
  const { given, ints } = facts.intsAt('split', 1);
  if (given) {
    const sizes = ints ?? facts.values(1) ?? [];
    const sum = ints?.reduce((a, b) => a + b, 0);
    if (ints !== undefined && (ints.length !== count || ints.some((size) => size < 0))) {
      throw new Contradiction(`${count} outputs, sizes [${ints.join(', ')}]`);
    }
    if (typeof whole === 'number' && sum !== undefined && sum !== whole)
      throw new Contradiction(`${sum} is not ${whole}`);
    return sizes;
  }
  if (typeof whole !== 'number') return [];
  const size = Math.ceil(whole / count); // the last one may be smaller (Split-18, num_outputs)
  if (facts.opset < 18 && size * count !== whole) throw new Contradiction(`${whole} does not split into ${count}`);
  return Array.from({ length: count }, (_, i) => Math.max(Math.min(size, whole - i * size), 0));
}

/** Elements `start, start + step, ...` before `end`, with Python's reading of negative and too large bounds. */
function sliceLength(size: number, start: number, end: number, step: number): number {
  const { from, to } = sliceBounds(size, start, end, step);
  return Math.max(Math.ceil((to - from) / step), 0);
}

export function sliceBounds(size: number, start: number, end: number, step: number) {
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + size : at, least), most);
  return { from: clamp(start), to: clamp(end) };
}

const slice: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const dtype = facts.dtype(0);
  const starts = facts.intsAt('starts', 1).ints;
  const ends = facts.intsAt('ends', 2).ints;
  const axesGiven = facts.intsAt('axes', 3);
  const stepsGiven = facts.has(4);
  const axes = axesGiven.given ? axesGiven.ints : starts?.map((_, i) => i);
  const steps = stepsGiven ? facts.numbers(4) : starts?.map(() => 1);
  if (x === null) return [typed(dtype, null)];
  if (axes === undefined)
    return [
      typed(
        dtype,
        x.map(() => null),
      ),
    ];
  const result = [...x];
  axes.forEach((axis, i) => {
    const at = axisOf(axis, x.length);
    result[at] = sliced(x[at] ?? null, starts?.[i], ends?.[i], steps?.[i]);
  });
  if (starts !== undefined && ends !== undefined && (ends.length !== starts.length || axes.length !== starts.length)) {
    throw new Contradiction(`${starts.length} starts, ${ends.length} ends and ${axes.length} axes`);
  }
  return [typed(dtype, result)];
};

function sliced(
  size: Dimension,
  start: number | undefined,
  end: number | undefined,
  step: number | undefined,
): Dimension {
  if (step === 0) throw new Contradiction('a slice with step 0');
  if (start === undefined || end === undefined || step === undefined) return null;
  if (typeof size === 'number') return sliceLength(size, start, end, step);
  return start === 0 && step === 1 && end >= 2 ** 31 - 1 ? size : null; // all of it, as exporters write it
}

const gather: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const indices = facts.shape(1);
  if (x === null || indices === null) return [typed(facts.dtype(0), null)];
  const axis = axisOf(facts.int('axis', 0), x.length);
  return [typed(facts.dtype(0), [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)])];
};

const gatherElements: ShapeRule = (facts) => [typed(facts.dtype(0), facts.shape(1))];

/** Pads come as all begins, then all ends; `axes` (Pad-18) names the axes they are for. */
const pad: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const pads = facts.ints('pads') ?? facts.ints('paddings') ?? facts.numbers(1);
  const dtype = facts.dtype(0);
  if (x === null) return [typed(dtype, null)];
  const axes = facts.has(3) ? facts.numbers(3)?.map((axis) => axisOf(axis, x.length)) : [...x.keys()];
  if (pads === undefined || axes === undefined)
    return [
      typed(
        dtype,
        x.map(() => null),
      ),
    ];
  if (pads.length !== 2 * axes.length) throw new Contradiction(`${pads.length} pads for ${axes.length} axes`);
  const result = [...x];
  axes.forEach((axis, i) => {
    result[axis] = add(x[axis] ?? null, (pads[i] ?? 0) + (pads[i + axes.length] ?? 0));
  });
  return [typed(dtype, result)];
};

/** Operators that join tensors, take parts of them, or put a border around them. */
export const SELECTION: readonly (readonly [string, ShapeRule])[] = [
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  ['Pad', pad],
];
