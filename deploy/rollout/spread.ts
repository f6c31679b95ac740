import type { BegunWave, Rollout } from '../../contract/messages/rollout.ts';

/** Two bundles of 5 MB a second are 80 Mbit/s: what the link of a small web server carries beside its other work. */
const BOXES_A_SECOND = 2;
/** What is over within a minute is not worth waiting for. */
const LEAST_SECONDS = 60;

/**
 * Within how many seconds the boxes of a wave begin, each at a moment of its own; undefined: at once. Only those of the last wave, which are most: the waves before it
 * are small, and are waited for.
 */
export function spreadSeconds({ policy, waves, begun }: Rollout, wave: BegunWave): number | undefined {
  if (begun.indexOf(wave) !== waves.length - 1) return undefined;
  if (policy.spreadSeconds !== undefined) return policy.spreadSeconds || undefined;
  const seconds = Math.ceil(wave.boxes / BOXES_A_SECOND);
  return seconds < LEAST_SECONDS ? undefined : seconds;
}
