import { intAttribute } from '../../onnx/attributes.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { asIntegers } from '../../onnx/tensor.ts';
import type { ChannelAnalysis } from './channels/groups.ts';
import { cutOf } from './channels/rules/selection.ts';

/** Gives a node a constant of its own in the place of one of its inputs. */
export type Own = (node: Node, position: number, values: readonly number[]) => Node;

/** A channel's place along an axis: what it carried before, and which of that is left. */
interface Place {
  readonly node: Node;
  readonly graph: Graph;
  /** The axis of the channels in the first input, and in the first output. */
  readonly axis: number;
  /** Of the first input. */
  readonly rank: number | undefined;
  readonly outputAxis: number;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly left: (ids: readonly number[]) => number;
  readonly own: Own;
  readonly analysis: ChannelAnalysis;
  readonly removed: ReadonlySet<number>;
}

type Rewrite = (place: Place) => Node;

/** The node with the constants and attributes that count channels written anew. */
export function recount(
  node: Node,
  graph: Graph,
  analysis: ChannelAnalysis,
  removed: ReadonlySet<number>,
  own: Own,
): Node {
  const [from = ''] = node.inputs;
  const [to = ''] = node.outputs;
  const input = analysis.channelsOf(from);
  const output = analysis.channelsOf(to);
  const axis = analysis.axisOf(from);
  const outputAxis = analysis.axisOf(to);
  const rewrite = REWRITES.get(node.opType);
  if (rewrite === undefined || input === undefined || output === undefined) return node;
  if (axis === undefined || outputAxis === undefined) return node;
  const left = (ids: readonly number[]): number => ids.filter((id) => !removed.has(id)).length;
  if (left(input) === input.length && left(output) === output.length) return node;
  return rewrite({
    node,
    graph,
    rank: analysis.rankOf(from),
    axis,
    outputAxis,
    input,
    output,
    left,
    own,
    analysis,
    removed,
  });
}

const constant = ({ node, graph }: Place, position: number): number[] | undefined => {
  const tensor = graph.initializers.get(node.inputs[position] ?? '');
  return tensor === undefined ? undefined : [...asIntegers(tensor)];
};

/** The pads of a shortcut. */
const pad: Rewrite = (place) => {
  const { node, axis, input, output, left, own } = place;
  const pads = constant(place, 1);
  if (pads === undefined) return node;
  const before = pads[axis] ?? 0;
  pads[axis] = left(output.slice(0, before));
  pads[pads.length / 2 + axis] = left(output.slice(before + input.length));
  return own(node, 1, pads);
};

const reshape: Rewrite = (place) => {
  const { node, axis, outputAxis, output, left, own } = place;
  const target = constant(place, 1);
  const now = target?.[outputAxis];
  if (target === undefined || now === undefined || now === -1 || (now === 0 && axis === outputAxis)) return node;
  target[outputAxis] = left(output);
  return own(node, 1, target);
};

/** Parts in numbers, also where the file has them equal: what is left of them need not be. */
const split: Rewrite = ({ node, left, analysis, own, input }) => {
  const parts = node.outputs.map((value) => analysis.channelsOf(value) ?? []);
  const along = parts.reduce((sum, ids) => sum + ids.length, 0) === input.length;
  if (!along) return node;
  const { num_outputs: _, ...attributes } = node.attributes;
  return own({ ...node, attributes }, 1, parts.map(left));
};

const slice: Rewrite = (place) => {
  const { node, graph, axis, input, left, own } = place;
  const step = { node, constant: (name: string) => graph.initializers.get(name) };
  const cut = cutOf(step, place.rank, axis, input.length);
  const [starts, ends] = [constant(place, 1), constant(place, 2)];
  if (cut === undefined || cut === 'unknown' || starts === undefined || ends === undefined) return node;
  starts[cut.place] = left(input.slice(0, cut.start));
  ends[cut.place] = left(input.slice(0, cut.end));
  return own(own(node, 1, starts), 2, ends);
};

/** Places of what is left, in what is left. */
const gather: Rewrite = (place) => {
  const { node, axis, rank = 0, input, own, left, removed } = place;
  const given = intAttribute(node, 'axis', 0);
  const places = constant(place, 1);
  if (places === undefined || (given < 0 ? given + rank : given) !== axis) return node;
  const kept = places
    .map((at) => (at < 0 ? at + input.length : at))
    .filter((at) => !removed.has(input[at] ?? -1))
    .map((at) => left(input.slice(0, at)));
  return own(node, 1, kept);
};

/** A depthwise convolution has as many groups as channels. */
const depthwise: Rewrite = ({ node, input, left }) => {
  const group = node.attributes['group'];
  if (group?.type !== 'int' || group.value !== input.length || group.value === 1) return node;
  return { ...node, attributes: { ...node.attributes, group: { type: 'int', value: left(input) } } };
};

const REWRITES: ReadonlyMap<string, Rewrite> = new Map([
  ['Pad', pad],
  ['Reshape', reshape],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['Conv', depthwise],
]);
