import type { Dimension, Shape } from '../graph.ts';
import { axisOf, broadcast, Contradiction, multiply } from './dimensions.ts';
import { type ShapeRule, typed } from './node-facts.ts';

/** floor(in * scale), on the axes that scales are for. */
function scaled(x: Shape, scales: readonly number[], axes: readonly number[]): Dimension[] {
  if (scales.length !== axes.length) throw new Contradiction(`${scales.length} scales for ${axes.length} axes`);
  const result = [...x];
  axes.forEach((axis, i) => {
    const size = x[axis] ?? null;
    const scale = scales[i] ?? 1;
    if (!(scale > 0)) throw new Contradiction(`a scale of ${scale}`);
    result[axis] = typeof size === 'number' ? Math.floor(size * scale) : scale === 1 ? size : null;
  });
  return result;
}

/** Inputs: X, roi, scales, sizes (opset 11 on); X, scales (opset 10). */
const resize: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const dtype = facts.dtype(0);
  if (x === null) return [typed(dtype, null)];
  const axes = facts.ints('axes')?.map((axis) => axisOf(axis, x.length)) ?? [...x.keys()];
  const [scalesAt, sizesAt] = facts.opset >= 11 ? [2, 3] : [1, 3];
  const sizes = facts.has(sizesAt) ? facts.values(sizesAt) : undefined;
  const scales = facts.has(scalesAt) ? facts.numbers(scalesAt) : undefined;
  const policy = facts.text('keep_aspect_ratio_policy', 'stretch');
  if (sizes !== undefined && policy === 'stretch') {
    if (sizes.length !== axes.length) throw new Contradiction(`${sizes.length} sizes for ${axes.length} axes`);
    const result = [...x];
    axes.forEach((axis, i) => {
      result[axis] = sizes[i] ?? null;
    });
    return [typed(dtype, result)];
  }
  if (scales !== undefined && scales.length > 0) return [typed(dtype, scaled(x, scales, axes))];
  return [
    typed(
      dtype,
      x.map((size, i) => (axes.includes(i) ? null : size)),
    ),
  ];
};

const upsample: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const scales = facts.floats('scales') ?? facts.numbers(1);
  if (x === null) return [typed(facts.dtype(0), null)];
  return [typed(facts.dtype(0), scales === undefined ? x.map(() => null) : scaled(x, scales, [...x.keys()]))];
};

const expand: ShapeRule = (facts) => {
  const target = facts.values(1);
  const rank = facts.shape(1)?.[0];
  const unknown = typeof rank === 'number' && rank <= 32 ? new Array<Dimension>(rank).fill(null) : null;
  return [typed(facts.dtype(0), broadcast([facts.shape(0), target ?? unknown]))];
};

const tile: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const repeats = facts.values(1);
  if (x === null) return [typed(facts.dtype(0), null)];
  return [
    typed(
      facts.dtype(0),
      x.map((size, i) => multiply(size, repeatAt(repeats, i, x.length))),
    ),
  ];
};

function repeatAt(repeats: readonly Dimension[] | undefined, i: number, rank: number): Dimension {
  if (repeats === undefined) return null;
  if (repeats.length !== rank) throw new Contradiction(`${repeats.length} repeats for ${rank} axes`);
  return repeats[i] ?? null;
}

/** Operators that make a tensor larger or smaller than it is. */
export const RESIZING: readonly (readonly [string, ShapeRule])[] = [
  ['Resize', resize],
  ['Upsample', upsample],
  ['Expand', expand],
  ['Tile', tile],
];
