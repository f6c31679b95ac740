import { intAttribute, stringAttribute } from '../../../../onnx/attributes.ts';
import { asIntegers } from '../../../../onnx/tensor.ts';
import { passThrough } from './elementwise.ts';
import { axesOf, type ChannelRule, type ChannelStep, carried, channelsAlong, input, output } from './rule.ts';

export const concat: ChannelRule = (step) => {
  const { channels, node } = step;
  const rank = step.shape(output(step))?.length;
  const given = intAttribute(node, 'axis', 1);
  const axis = given < 0 ? given + (rank ?? Number.NaN) : given;
  const followed = node.inputs.map((name) => channels.at(name));
  const along = followed.find((each) => each !== undefined)?.axis;
  if (along !== axis) return concatOfOthers(step);
  const widths = node.inputs.map((name) => step.shape(name)?.[axis]);
  if (widths.some((width) => width === undefined)) return false;
  const ids = node.inputs.flatMap((name, i) => channelsAlong(step, name, axis, widths[i]!));
  channels.set(output(step), { axis, ids });
  return true;
};

/** Joined along another axis, the parts have the same channels. */
function concatOfOthers({ node, channels }: ChannelStep): boolean {
  const [first, ...rest] = node.inputs.map((name) => channels.at(name));
  if (first === undefined) return false;
  if (rest.some((each) => each?.axis !== first.axis || each.ids.length !== first.ids.length)) return false;
  for (const each of rest) channels.unite(first.ids, each?.ids ?? []);
  channels.set(node.outputs[0] ?? '', first);
  return true;
}

/** Channels that a shortcut adds as zeros are new, and free to go: nothing is lost with them. */
export const pad: ChannelRule = (step) => {
  const { channels } = step;
  const followed = carried(step);
  const pads = step.constant(input(step, 1));
  if (followed === undefined) return true;
  if (pads === undefined || stringAttribute(step.node, 'mode', 'constant') !== 'constant') return false;
  const amounts = asIntegers(pads);
  const rank = amounts.length / 2;
  const before = amounts[followed.axis] ?? 0;
  const after = amounts[rank + followed.axis] ?? 0;
  if (input(step, 3) !== '' || before < 0 || after < 0) return false;
  const ids = [...channels.fresh(before), ...followed.ids, ...channels.fresh(after)];
  channels.set(output(step), { axis: followed.axis, ids });
  return true;
};

/** Where a Slice with step 1 begins and ends along an axis of so many entries; undefined where it does not cut that axis. */
interface Cut {
  /** Place of the axis in the Slice's lists. */
  readonly place: number;
  readonly start: number;
  readonly end: number;
}

/** @returns 'unknown' for what is computed, or takes steps */
export function cutOf(
  step: Pick<ChannelStep, 'node' | 'constant'>,
  rank: number | undefined,
  axis: number,
  width: number,
): Cut | undefined | 'unknown' {
  const [, starts, ends, axes, steps] = step.node.inputs.map((name) => {
    const constant = step.constant(name);
    return constant === undefined ? undefined : asIntegers(constant);
  });
  if ((step.node.inputs[3] ?? '') !== '' && axes === undefined) return 'unknown';
  if ((step.node.inputs[4] ?? '') !== '' && steps === undefined) return 'unknown';
  const place = (axes ?? starts?.map((_, i) => i) ?? []).findIndex(
    (each) => (each < 0 ? each + (rank ?? 0) : each) === axis,
  );
  if (rank === undefined && axes?.some((each) => each < 0) !== false) return 'unknown';
  if (place < 0) return starts === undefined && axes === undefined ? 'unknown' : undefined;
  const [start, end] = [starts?.[place], ends?.[place]];
  if (start === undefined || end === undefined || (steps?.[place] ?? 1) !== 1) return 'unknown';
  const clamped = (at: number): number => Math.max(0, Math.min(width, at < 0 ? at + width : at));
  return { place, start: clamped(start), end: clamped(end) };
}

/** Cuts of rows and columns pass; one through the channels takes those it names. */
export const slice: ChannelRule = (step) => {
  const followed = carried(step);
  if (followed === undefined) return true;
  const rank = step.shape(input(step, 0))?.length;
  const cut = cutOf(step, rank, followed.axis, followed.ids.length);
  if (cut === 'unknown') return false;
  if (cut === undefined) return passThrough(step);
  const ids = followed.ids.slice(cut.start, cut.end);
  if (ids.length === 0) return false;
  if (ids.length < followed.ids.length) step.channels.part(ids);
  step.channels.set(output(step), { axis: followed.axis, ids });
  return true;
};

/** Parts by the sizes of their values. */
export const split: ChannelRule = (step) => {
  const { node, channels } = step;
  const followed = carried(step);
  if (followed === undefined) return true;
  const rank = step.shape(input(step, 0))?.length;
  const given = intAttribute(node, 'axis', 0);
  const axis = given < 0 ? given + (rank ?? Number.NaN) : given;
  if (axis !== followed.axis) {
    for (const value of node.outputs) channels.set(value, followed);
    return !Number.isNaN(axis);
  }
  const widths = node.outputs.map((value) => step.shape(value)?.[axis] ?? Number.NaN);
  if (widths.reduce((sum, width) => sum + width, 0) !== followed.ids.length) return false;
  let from = 0;
  for (const [i, value] of node.outputs.entries()) {
    const ids = followed.ids.slice(from, from + widths[i]!);
    channels.part(ids);
    channels.set(value, { axis, ids });
    from += widths[i]!;
  }
  return true;
};

/** Picks channels by constant places, or entries along another axis. */
export const gather: ChannelRule = (step) => {
  const followed = carried(step);
  if (followed === undefined) return true;
  const rank = step.shape(input(step, 0))?.length;
  const places = step.constant(input(step, 1));
  if (rank === undefined || places === undefined) return false;
  const given = intAttribute(step.node, 'axis', 0);
  const axis = given < 0 ? given + rank : given;
  if (axis !== followed.axis) {
    const shift = axis < followed.axis ? places.dims.length - 1 : 0;
    step.channels.set(output(step), { ...followed, axis: followed.axis + shift });
    return true;
  }
  if (places.dims.length !== 1) return false;
  const ids = asIntegers(places).map((place) => followed.ids.at(place));
  if (ids.some((id) => id === undefined) || ids.length === 0) return false;
  step.channels.part(ids as number[]);
  step.channels.set(output(step), { axis, ids: ids as number[] });
  return true;
};

/** Explicit sizes count the channels too. */
export const resize: ChannelRule = (step) => {
  const followed = carried(step);
  if (followed === undefined) return true;
  if (input(step, 3) === '') return followed.axis === 1 && passThrough(step);
  const axes = axesOf(step, step.shape(input(step, 0))?.length ?? 0, -1);
  return axes?.every((axis) => axis !== followed.axis) === true && passThrough(step);
};
