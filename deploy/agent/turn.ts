import { createHash } from 'node:crypto';
import type { ModelDesiredMessage } from '../../contract/messages/model-desired.ts';

/** Where in the window a box begins, 0 to 1: evenly over boxes, the same for a box at every look, another one in each rollout. */
const shareOf = (rollout: string, box: string): number =>
  Number.parseInt(createHash('sha256').update(`${rollout}\0${box}\0turn`).digest('hex').slice(0, 13), 16) / 2 ** 52;

/**
 * A job for many boxes, as one box takes it: not before its own moment of the window, which begins when the job is heard or when the
 * job may begin. So a box that was away begins within as long again, and clocks need not agree.
 *
 * @param now ms since the epoch
 */
export function inTurn(job: ModelDesiredMessage, box: string, now: number): ModelDesiredMessage {
  const { spreadSeconds, notBefore, action, rollout } = job;
  // What is taken back is taken back at once, and nothing is fetched for it.
  if (spreadSeconds === undefined || action === 'roll-back') return job;
  const from = Math.max(now, notBefore === undefined ? 0 : Date.parse(notBefore));
  const at = from + Math.floor(1000 * spreadSeconds * shareOf(rollout, box));
  return { ...job, notBefore: new Date(at).toISOString() };
}
