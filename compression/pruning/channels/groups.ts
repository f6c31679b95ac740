import type { Model, Node } from '../../../onnx/graph.ts';
import { NameGiver } from '../../../onnx/names.ts';
import { valuesRead } from '../../../onnx/topology.ts';
import type { Tie } from './channel-map.ts';
import { propagate } from './propagate.ts';
import { CHANNEL_RULES } from './rules.ts';

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

/** A node that no channels pass, and those that stay for its sake. */
interface Blocker {
  readonly node: Node;
  readonly ids: ReadonlySet<number>;
}

export interface ChannelAnalysis {
  readonly groups: readonly ChannelGroup[];
  /** Channels of a value, by root id, for rewriting constants that count them. */
  channelsOf(value: string): readonly number[] | undefined;
  /** The axis that they lie along. */
  axisOf(value: string): number | undefined;
  /** Dimensions of a value, where they are known. */
  rankOf(value: string): number | undefined;
  /** Every tie with roots for ids. */
  readonly ties: readonly Tie[];
  /** What holds channels back, other than the inputs and outputs of the graph, in the order of the graph. */
  readonly blockers: readonly Blocker[];
}

/**
 * Finds the channels of a graph that can be removed, in groups. Frozen and therefore absent: what reaches a graph output,
 * or an operator without a rule.
 */
export function analyzeChannels(model: Model): ChannelAnalysis {
  const { channels, types, opaque } = propagate(model, CHANNEL_RULES);
  const ties = channels.ties.map((tie) => ({ ...tie, ids: tie.ids.map((id) => channels.root(id)) }));
  const rootsOf = (value: string): number[] | undefined => channels.of(value)?.map((id) => channels.root(id));
  return {
    groups: groupsOf(ties, channels.frozenRoots(), channels.partsByRoot()),
    channelsOf: rootsOf,
    axisOf: (value) => channels.at(value)?.axis,
    rankOf: (value) => types.get(value)?.shape?.length,
    ties,
    blockers: opaque.flatMap((node): Blocker[] => {
      const ids = new Set([...valuesRead(node)].flatMap((value) => rootsOf(value) ?? []));
      return ids.size === 0 ? [] : [{ node, ids }];
    }),
  };
}

/** Channels with slices in the same initializers along the same axes, and in the same parts of values, form a group. */
function groupsOf(
  ties: readonly Tie[],
  frozen: ReadonlySet<number>,
  parts: ReadonlyMap<number, string>,
): ChannelGroup[] {
  const slicesOf = new Map<number, Map<string, Owned>>();
  for (const { initializer, axis, ids, makes = false } of ties) {
    ids.forEach((id, index) => {
      if (frozen.has(id)) return;
      const slices = slicesOf.get(id) ?? new Map();
      slicesOf.set(id, slices);
      const key = `${initializer}\0${axis}`;
      const known = slices.get(key);
      if (known === undefined) slices.set(key, { initializer, axis, indices: [index], makes });
      else if (!known.indices.includes(index)) known.indices.push(index);
    });
  }
  const names = new NameGiver();
  const groups = new Map<string, { name: string; channels: Channel[] }>();
  for (const [id, slices] of slicesOf) {
    const key = [...slices.keys(), parts.get(id) ?? ''].join('\0\0');
    const list = [...slices.values()];
    const known = groups.get(key);
    if (known !== undefined) {
      known.channels.push({ id, slices: list });
      continue;
    }
    const name = names.give((list.find(({ makes }) => makes) ?? list[0]!).initializer);
    groups.set(key, { name, channels: [{ id, slices: list }] });
  }
  return [...groups.values()];
}

interface Owned extends Slices {
  readonly indices: number[];
  readonly makes: boolean;
}
