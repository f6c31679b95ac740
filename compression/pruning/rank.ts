import { WaysideError } from '../../core/errors.ts';
import type { ChannelGroup } from './channels/groups.ts';
import type { CostModel } from './cost-model.ts';
import { PRUNING_DEFAULTS } from './defaults.ts';

export interface RankOptions {
  /** Share of the cost to remove, 0 to 1. */
  readonly goal: number;
  /** Least share of its channels that every group keeps. @default PRUNING_DEFAULTS */
  readonly floor?: number;
  /** Channels that are kept come in multiples of this; groups smaller than twice it are rounded to 8. @default PRUNING_DEFAULTS */
  readonly multiple?: number;
  /** Groups that stay as they are, by name. */
  readonly frozen?: ReadonlySet<string>;
  /**
   * What importance is divided by before groups compete: the mean of the group, of all groups of its size (isomorphic pruning,
   * Fang 2024), or nothing, where the criterion already compares across layers. @default 'group'
   */
  readonly scale?: 'group' | 'size' | 'none';
  /** By group's name: what its importance is multiplied by, as sensitivity has measured. @default 1 */
  readonly factors?: ReadonlyMap<string, number>;
  /** Importance is divided by the cost saved to this power; 0 ignores cost. @default 1 */
  readonly costPower?: number;
}

/** Channels of one group in the order in which they go. */
interface Queue {
  readonly group: ChannelGroup;
  readonly order: readonly number[];
  readonly scores: Float64Array;
  readonly least: number;
}

const unitOf = (total: number, multiple: number): number =>
  total >= 2 * multiple ? multiple : Math.min(multiple, total >= 16 ? 8 : 1);

/** Kept counts a group may end with: multiples that hardware likes, and what it had. */
export function roundKept(kept: number, total: number, multiple: number): number {
  const unit = unitOf(total, multiple);
  return Math.min(total, Math.max(unit, Math.round(kept / unit) * unit));
}

/**
 * Which channels go, over all groups at once: the least important per unit of cost saved first, until the goal is
 * reached. Importance is divided by the mean of its group (or of all groups of its size), since norms of layers of
 * different width and depth do not compare.
 *
 * @param importance one number a channel of each group, in their order
 * @returns ids of the channels to remove
 * @throws {WaysideError} PRUNING_IMPOSSIBLE when the floors stand in the way of the goal
 */
export function rankGlobally(
  groups: readonly ChannelGroup[],
  importance: readonly Float64Array[],
  cost: CostModel,
  options: RankOptions,
): Set<number> {
  const { floor, multiple } = { ...PRUNING_DEFAULTS, ...options };
  const { goal, frozen = new Set(), scale = 'group', factors, costPower = 1 } = options;
  const means = meansOf(importance, scale);
  const queues = groups.flatMap((group, g): Queue[] => {
    if (frozen.has(group.name)) return [];
    const scores = importance[g]!.map((value) => ((factors?.get(group.name) ?? 1) * value) / means[g]!);
    const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]! || a - b);
    return [{ group, order, scores, least: Math.max(1, Math.ceil(group.channels.length * floor)) }];
  });
  const before = cost.total(new Set());
  if (!(before > 0)) {
    throw new WaysideError('PRUNING_IMPOSSIBLE', {
      message: 'the model has no convolutions or matrix products that count towards the goal',
    });
  }
  const sequence = orderOfLeaving(queues, cost, costPower);
  // The shortest beginning of the sequence that reaches the goal once every group is rounded. Rounding keeps the order
  // of costs, so the place can be searched for by halving.
  let low = 0;
  let high = sequence.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cost.total(settled(sequence.slice(0, middle), multiple)) <= before * (1 - goal)) high = middle;
    else low = middle + 1;
  }
  const counts = settledCounts(sequence.slice(0, low), multiple);
  refill(counts, cost, before * (1 - goal), multiple);
  const removed = removedBy(counts);
  const reached = 1 - cost.total(removed) / before;
  if (reached < goal) {
    throw new WaysideError('PRUNING_IMPOSSIBLE', {
      message:
        goal === 1
          ? `no more than ${(reached * 100).toFixed(1)}% of the way to the goals can go`
          : `asked to remove ${(goal * 100).toFixed(1)}%, but no more than ${(reached * 100).toFixed(1)}% can go`,
      hint: 'lower the goal or the floor, or freeze fewer layers',
    });
  }
  return removed;
}

/** Greedily, the channel of least importance per cost saved: one entry a removal, until every group is at its floor. */
function orderOfLeaving(queues: readonly Queue[], cost: CostModel, power: number): Queue[] {
  const gone = new Map(queues.map((queue) => [queue, 0]));
  const removed = new Set<number>();
  const sequence: Queue[] = [];
  const find = (): Queue | undefined => cheapest(gone, cost, removed, power);
  for (let next = find(); next !== undefined; next = find()) {
    const place = gone.get(next)!;
    removed.add(next.group.channels[next.order[place]!]!.id);
    gone.set(next, place + 1);
    sequence.push(next);
  }
  return sequence;
}

/** How many of each group go when what is left is brought to a count the target likes. */
function settledCounts(sequence: readonly Queue[], multiple: number): Map<Queue, number> {
  const gone = new Map<Queue, number>();
  for (const queue of sequence) gone.set(queue, (gone.get(queue) ?? 0) + 1);
  for (const [queue, count] of gone) {
    const total = queue.order.length;
    gone.set(queue, total - roundKept(total - count, total, multiple));
  }
  return gone;
}

function removedBy(counts: ReadonlyMap<Queue, number>): Set<number> {
  const removed = new Set<number>();
  for (const [{ group, order }, count] of counts) {
    for (const index of order.slice(0, count)) removed.add(group.channels[index]!.id);
  }
  return removed;
}

const settled = (sequence: readonly Queue[], multiple: number): Set<number> =>
  removedBy(settledCounts(sequence, multiple));

/** Rounding overshoots the goal: gives back the dearest unit of channels that fits, until none does. */
function refill(counts: Map<Queue, number>, cost: CostModel, budget: number, multiple: number): void {
  for (;;) {
    let best: { queue: Queue; count: number; worth: number } | undefined;
    for (const [queue, count] of counts) {
      const { order, scores } = queue;
      const back = Math.min(count, unitOf(order.length, multiple));
      if (back === 0 || cost.total(removedBy(new Map(counts).set(queue, count - back))) > budget) continue;
      const worth = order.slice(count - back, count).reduce((sum, index) => sum + scores[index]!, 0);
      if (best === undefined || worth > best.worth) best = { queue, count: count - back, worth };
    }
    if (best === undefined) return;
    counts.set(best.queue, best.count);
  }
}

function meansOf(importance: readonly Float64Array[], scale: 'group' | 'size' | 'none'): number[] {
  const mean = (values: ArrayLike<number>): number =>
    Array.from(values).reduce((sum, value) => sum + value, 0) / values.length || 1;
  const own = importance.map(mean);
  if (scale === 'group') return own;
  if (scale === 'none') return own.map(() => 1);
  return importance.map(({ length }) => mean(own.filter((_, g) => importance[g]!.length === length)));
}

function cheapest(
  gone: ReadonlyMap<Queue, number>,
  cost: CostModel,
  removed: ReadonlySet<number>,
  power: number,
): Queue | undefined {
  let best: Queue | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [queue, place] of gone) {
    if (queue.order.length - place <= queue.least) continue;
    const index = queue.order[place]!;
    const saved = cost.saved(queue.group.channels[index]!, removed);
    const price = queue.scores[index]! / Math.max(saved, Number.MIN_VALUE) ** power;
    if (best === undefined || price < least) {
      least = price;
      best = queue;
    }
  }
  return best;
}
