import type { Model } from '../../../onnx/graph.ts';
import { NameGiver } from '../../../onnx/names.ts';
import { inferShapes } from '../../../onnx/shapes.ts';
import { valuesRead } from '../../../onnx/topology.ts';
import { ChannelMap, type Tie } from './channel-map.ts';
import { CHANNEL_RULES, type ChannelStep } from './rules.ts';

/** Slices of one initializer that belong to one channel. */
export interface Slices {
  readonly initializer: string;
  readonly axis: number;
  readonly indices: readonly number[];
}

/** A channel with everything that disappears with it. */
export interface Channel {
  readonly id: number;
  readonly slices: readonly Slices[];
}

/** Channels that stand side by side in the same tensors: they compete with one another. */
export interface ChannelGroup {
  /** The first weight that makes them, as in `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly channels: readonly Channel[];
}

export interface ChannelAnalysis {
  readonly groups: readonly ChannelGroup[];
  /** Channels of a value, by root id, for rewriting constants that count them. */
  channelsOf(value: string): readonly number[] | undefined;
  /** Every tie with roots for ids. */
  readonly ties: readonly Tie[];
}

/**
 * Finds the channels of a graph that can be removed, in groups. Frozen and therefore absent: what reaches a graph output,
 * or an operator without a rule.
 */
export function analyzeChannels(model: Model): ChannelAnalysis {
  const { graph } = model;
  const types = inferShapes(model);
  const channels = new ChannelMap(graph);
  for (const { name, shape } of graph.inputs) {
    const width = shape?.[1];
    if (typeof width !== 'number') continue;
    const ids = channels.fresh(width);
    channels.freeze(ids);
    channels.set(name, ids);
  }
  const shape = (value: string): readonly (number | undefined)[] | undefined =>
    types.get(value)?.shape?.map((dim) => (typeof dim === 'number' ? dim : undefined));
  const constant = (value: string) => graph.initializers.get(value);
  const opaque = graph.nodes.filter((node) => !follow({ node, channels, shape, constant }));
  const seen = new Set(opaque.flatMap((node) => [...valuesRead(node)]));
  // At the end, since a weight may be tied by a node that comes after the one that reads it in its own way.
  for (const tie of channels.ties) if (seen.has(tie.initializer)) channels.freeze(tie.ids);
  for (const { name } of graph.outputs) channels.freeze(channels.of(name) ?? []);
  const ties = channels.ties.map((tie) => ({ ...tie, ids: tie.ids.map((id) => channels.root(id)) }));
  return {
    groups: groupsOf(ties, channels.frozenRoots()),
    channelsOf: (value) => channels.of(value)?.map((id) => channels.root(id)),
    ties,
  };
}

/** Whether a rule followed the channels through; if not, what the node reads and makes is frozen. */
function follow(step: ChannelStep): boolean {
  const { node, channels } = step;
  const rule = node.domain === '' ? CHANNEL_RULES.get(node.opType) : undefined;
  if (rule?.(step) === true) return true;
  for (const value of valuesRead(node)) channels.freeze(channels.of(value) ?? []);
  for (const value of node.outputs) freshFrozen(value, step);
  return false;
}

/** What comes out of an unknown operator has channels again, but none that may go. */
function freshFrozen(value: string, { channels, shape }: ChannelStep): void {
  const width = shape(value)?.[1];
  if (width === undefined) return;
  const ids = channels.fresh(width);
  channels.freeze(ids);
  channels.set(value, ids);
}

/** Channels with slices in the same initializers along the same axes form a group. */
function groupsOf(ties: readonly Tie[], frozen: ReadonlySet<number>): ChannelGroup[] {
  const slicesOf = new Map<number, Map<string, { initializer: string; axis: number; indices: number[] }>>();
  for (const { initializer, axis, ids } of ties) {
    ids.forEach((id, index) => {
      if (frozen.has(id)) return;
      const slices = slicesOf.get(id) ?? new Map();
      slicesOf.set(id, slices);
      const key = `${initializer}\0${axis}`;
      const known = slices.get(key);
      if (known === undefined) slices.set(key, { initializer, axis, indices: [index] });
      else if (!known.indices.includes(index)) known.indices.push(index);
    });
  }
  const names = new NameGiver();
  const groups = new Map<string, { name: string; channels: Channel[] }>();
  for (const [id, slices] of slicesOf) {
    const key = [...slices.keys()].join('\0\0');
    const list = [...slices.values()];
    const known = groups.get(key);
    if (known !== undefined) {
      known.channels.push({ id, slices: list });
      continue;
    }
    const name = names.give((list.find(({ axis }) => axis === 0) ?? list[0]!).initializer);
    groups.set(key, { name, channels: [{ id, slices: list }] });
  }
  return [...groups.values()];
}
