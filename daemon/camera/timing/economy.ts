/**
 * How much a decoder is asked for.
 *
 * - `full`: every frame is decoded, the wanted rate is delivered
 * - `fewer`: every frame is decoded, at most half of the wanted rate is scaled and delivered
 * - `keyframes`: only frames that need no other are decoded, 0.09 of the work
 */
const ECONOMIES = ['full', 'fewer', 'keyframes'] as const;
export type Economy = (typeof ECONOMIES)[number];

/** Falling behind again within this time of a restart means that a restart does not help. */
const RELAPSE_MS = 120_000;
const FIRST_TRIAL_MS = 300_000;
const LONGEST_TRIAL_MS = 3_600_000;
/** A restart that was needed is told for so long. */
export const TOLD_MS = 60_000;

/** What is known of how a camera keeps up. Times in ms of one monotonic clock. */
export interface Effort {
  readonly economy: Economy;
  /** When it last fell behind. */
  readonly behindAt: number | undefined;
  /** When the economy last changed. */
  readonly since: number;
  /** How long it must keep up before more is tried. */
  readonly trialMs: number;
  /** Less was tried and did not help: the decoder is not the cause. */
  readonly futile: boolean;
}

export const FULL_EFFORT: Effort = {
  economy: 'full',
  behindAt: undefined,
  since: 0,
  trialMs: FIRST_TRIAL_MS,
  futile: false,
};

/**
 * The decoder fell behind by more than is allowed and is to be started anew: as it was the first time, with less to do if that did not
 * last. Where keyframes alone are late too, the decoder is not the cause (a thin link, a camera's clock that runs slow): blindness
 * between keyframes bought nothing, and from then on it is only started anew.
 */
export function afterLag(effort: Effort, now: number): Effort {
  const { behindAt, economy, trialMs, futile } = effort;
  if (behindAt === undefined || now - behindAt > LONGEST_TRIAL_MS) return { ...FULL_EFFORT, economy, behindAt: now };
  if (futile || now - behindAt > RELAPSE_MS) return { ...effort, behindAt: now };
  const less = ECONOMIES[ECONOMIES.indexOf(economy) + 1];
  if (less === undefined) return { ...FULL_EFFORT, behindAt: now, since: now, futile: true };
  const longer = economy === 'full' && effort.since > 0 ? Math.min(LONGEST_TRIAL_MS, trialMs * 2) : trialMs;
  return { ...effort, economy: less, behindAt: now, since: now, trialMs: longer };
}

/** More is tried, which needs a new decoder; undefined while it is not time. */
export function afterCalm(effort: Effort, now: number): Effort | undefined {
  const { economy, behindAt, since, trialMs } = effort;
  if (economy === 'full' || now - Math.max(since, behindAt ?? 0) < trialMs) return undefined;
  return { ...effort, economy: ECONOMIES[ECONOMIES.indexOf(economy) - 1] ?? 'full', since: now };
}
