/** Slewing by NTP stays below; a step is a step. */
const STEP_MS = 1000;
let offset = Date.now() - performance.now();

/**
 * A moment of the monotonic clock in ms since the epoch, by the wall clock as it stands now: a box without a clock chip starts in 1970, and
 * what began before the first synchronization must not stay there. The same moment gives the same time until the clock is stepped.
 */
export function wallTimeOf(moment: number): number {
  const now = Date.now() - performance.now();
  if (Math.abs(now - offset) > STEP_MS) offset = now;
  return Math.round(moment + offset);
}
