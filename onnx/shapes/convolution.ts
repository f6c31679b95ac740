import type { Dimension, Shape } from '../graph.ts';
import type { DataType } from '../types.ts';
import { Contradiction, textOf } from './dimensions.ts';
import { type NodeFacts, requireRank, type ShapeRule, typed } from './node-facts.ts';
import { kernelOf, slide, windowsOf } from './windows.ts';

/** [N, C, spatial...] over a weight [O, C / group, kernel...] gives [N, O, spatial...]. */
function convolve(facts: NodeFacts, x: Shape | null, weight: Shape | null, bias: Shape | null): Shape | null {
  if (x === null) return null;
  requireRank(weight, x.length, 'the weight');
  const group = facts.int('group', 1);
  if (group < 1) throw new Contradiction(`group is ${group}`);
  const [batch = null, channels = null, ...spatial] = x;
  const [outputs = null, perGroup = null, ...kernel] = weight ?? [];
  if (typeof channels === 'number' && typeof perGroup === 'number' && channels !== perGroup * group) {
    throw new Contradiction(`${channels} channels meet a weight ${textOf(weight)} in ${group} groups`);
  }
  if (typeof outputs === 'number' && outputs % group !== 0)
    throw new Contradiction(`${outputs} outputs, ${group} groups`);
  requireBias(bias, outputs);
  const size = kernelOf(facts, weight === null ? null : kernel, x.length);
  return [batch, outputs, ...slide(spatial, windowsOf(facts, size))];
}

function requireBias(bias: Shape | null, outputs: Dimension): void {
  requireRank(bias, 1, 'the bias');
  const length = bias?.[0];
  if (typeof length === 'number' && typeof outputs === 'number' && length !== outputs) {
    throw new Contradiction(`a bias of ${length} for ${outputs} outputs`);
  }
}

const optionalShape = (facts: NodeFacts, i: number): Shape | null => (facts.has(i) ? facts.shape(i) : null);

const conv: ShapeRule = (facts) => [
  typed(facts.dtype(0), convolve(facts, facts.shape(0), facts.shape(1), optionalShape(facts, 2))),
];

const convInteger: ShapeRule = (facts) => [typed('int32', convolve(facts, facts.shape(0), facts.shape(1), null))];

/** Inputs: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, bias. */
const qLinearConv: ShapeRule = (facts) => [
  typed(facts.dtype(7), convolve(facts, facts.shape(0), facts.shape(3), optionalShape(facts, 8))),
];

/**
 * [N, C, spatial...] over a weight [C, O / group, kernel...]:
 * stride * (in - 1) + output_padding + dilation * (kernel - 1) + 1 - begin - end.
 */
const convTranspose: ShapeRule = (facts) => {
  const x = facts.shape(0);
  const weight = facts.shape(1);
  const dtype: DataType | undefined = facts.dtype(0);
  if (x === null) return [typed(dtype, null)];
  requireRank(weight, x.length, 'the weight');
  const [batch = null, channels = null, ...spatial] = x;
  const [inputs = null, perGroup = null, ...kernel] = weight ?? [];
  if (typeof channels === 'number' && typeof inputs === 'number' && channels !== inputs) {
    throw new Contradiction(`${channels} channels meet a weight ${textOf(weight)}`);
  }
  const outputs = typeof perGroup === 'number' ? perGroup * facts.int('group', 1) : null;
  requireBias(optionalShape(facts, 2), outputs);
  const size = kernelOf(facts, weight === null ? null : kernel, x.length);
  const windows = windowsOf(facts, size);
  const axes = spatial.length;
  const stated = facts.ints('output_shape');
  const padding = facts.ints('output_padding');
  const spread = spatial.map((length, i): Dimension => {
    const asked = stated?.[i + stated.length - axes];
    if (asked !== undefined) return asked;
    const stride = windows.strides[i] ?? 1;
    const reach = windows.kernel[i];
    if (typeof length !== 'number' || typeof reach !== 'number') return null;
    if (windows.autoPad.startsWith('SAME')) return length * stride;
    const pads = windows.autoPad === 'VALID' ? 0 : (windows.pads[i] ?? 0) + (windows.pads[i + axes] ?? 0);
    return stride * (length - 1) + (padding?.[i] ?? 0) + (windows.dilations[i] ?? 1) * (reach - 1) + 1 - pads;
  });
  return [typed(dtype, [batch, outputs, ...spread])];
};

export const CONVOLUTION: readonly (readonly [string, ShapeRule])[] = [
  ['Conv', conv],
  ['ConvInteger', convInteger],
  ['QLinearConv', qLinearConv],
  ['ConvTranspose', convTranspose],
];
