import { type Types, typesAtBatch } from '../../../onnx/cost.ts';
import type { Model, Node } from '../../../onnx/graph.ts';
import { valuesRead } from '../../../onnx/topology.ts';
import { ChannelMap } from './channel-map.ts';
import type { ChannelRule, ChannelStep } from './rules/rule.ts';

/** Shapes are taken for so many images: a prime, so that a dimension that counts them cannot pass for any other. */
export const IMAGES = 7919;

/** Where the channels of a graph go. */
interface Propagation {
  readonly channels: ChannelMap;
  readonly types: Types;
  /** Nodes that no rule takes channels through. */
  readonly opaque: readonly Node[];
}

/**
 * Follows the channels of every value through the graph, by one rule an operator. Frozen are those of the inputs and outputs of the graph, and
 * those that a node without a rule reads, or one whose rule does not apply.
 */
export function propagate(model: Model, rules: ReadonlyMap<string, ChannelRule>): Propagation {
  const { graph } = model;
  const types = typesAtBatch(model, IMAGES);
  const channels = new ChannelMap(graph);
  for (const { name, shape } of graph.inputs) {
    const width = shape?.[1];
    if (typeof width === 'number') channels.set(name, { axis: 1, ids: channels.fixed(width) });
  }
  const shape = (value: string): readonly (number | undefined)[] | undefined =>
    types.get(value)?.shape?.map((dim) => (typeof dim === 'number' ? dim : undefined));
  const constant = (value: string) => graph.initializers.get(value);
  const opaque = graph.nodes.filter((node) => !follow({ node, channels, shape, constant }, rules));
  const seen = new Set(opaque.flatMap((node) => [...valuesRead(node)]));
  // At the end, since a weight may be tied by a node that comes after the one that reads it in its own way.
  for (const tie of channels.ties) if (seen.has(tie.initializer)) channels.freeze(tie.ids);
  for (const { name } of graph.outputs) channels.freeze(channels.of(name) ?? []);
  return { channels, types, opaque };
}

/** Whether a rule followed the channels through; if not, those of what the node reads are frozen. */
function follow(step: ChannelStep, rules: ReadonlyMap<string, ChannelRule>): boolean {
  const { node, channels } = step;
  const rule = node.domain === '' ? rules.get(node.opType) : undefined;
  if (rule?.(step) === true) return true;
  for (const value of valuesRead(node)) channels.freeze(channels.of(value) ?? []);
  return false;
}
