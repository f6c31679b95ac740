import type { RolloutMessage } from '../../contract/messages/rollout.ts';

/**
 * Which of two records of a site holds: the same answer everywhere, in whatever order they came.
 *
 * MQTT has no compare-and-set, and a cluster of brokers may show two writers their messages in different orders. So a record is
 * not what came last but what precedes: the higher revision; of two changes of one revision that of an operator, since a driver
 * only goes on; then the smaller id, which is chance and the same for both.
 */
export function precedes(a: RolloutMessage, b: RolloutMessage): boolean {
  if (a.revision !== b.revision) return a.revision > b.revision;
  if (a.changedBy !== b.changedBy) return a.changedBy === 'operator';
  if (a.office.id !== b.office.id) return a.office.id < b.office.id;
  return a.seq > b.seq;
}
