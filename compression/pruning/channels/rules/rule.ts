import { intsAttribute } from '../../../../onnx/attributes.ts';
import type { Node } from '../../../../onnx/graph.ts';
import { asIntegers, type Tensor } from '../../../../onnx/tensor.ts';
import type { ChannelMap, Followed } from '../channel-map.ts';

export interface ChannelStep {
  readonly node: Node;
  readonly channels: ChannelMap;
  /** The full shape of a value for a batch of images, or undefined where it is not known. */
  shape(value: string): readonly (number | undefined)[] | undefined;
  constant(value: string): Tensor | undefined;
}

/** How channels pass an operator; false where the rule does not apply and everything that touches the node is frozen. */
export type ChannelRule = (step: ChannelStep) => boolean;

export const input = ({ node }: ChannelStep, i: number): string => node.inputs[i] ?? '';
export const output = ({ node }: ChannelStep): string => node.outputs[0] ?? '';

/** What the first input carries. */
export const carried = (step: ChannelStep): Followed | undefined => step.channels.at(input(step, 0));

/** The value's channels along `axis`. Where they were not followed there, new ones that stay: the value cannot shrink. */
export function channelsAlong(
  { channels }: ChannelStep,
  value: string,
  axis: number,
  width: number,
): readonly number[] {
  const followed = channels.at(value);
  if (followed?.axis === axis && followed.ids.length === width) return followed.ids;
  channels.freeze(followed?.ids ?? []);
  return channels.fixed(width);
}

/** Axes from an attribute or, in newer operator sets, an input; counted from the front. */
export function axesOf(step: ChannelStep, rank: number, position = 1): readonly number[] | undefined {
  const constant = step.constant(input(step, position));
  const axes = constant === undefined ? intsAttribute(step.node, 'axes', undefined) : asIntegers(constant);
  return axes?.map((axis) => (axis < 0 ? axis + rank : axis));
}
