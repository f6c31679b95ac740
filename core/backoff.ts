/** Waiting times between attempts that fail: doubled from `firstMs` to `longestMs`, each drawn from the upper half of its range. */
export interface BackoffPlan {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Jitter keeps the boxes of a city from returning to a restarted broker in step.
 *
 * @param failures failures in a row before this attempt, from 1
 * @param chance uniform in [0, 1)
 * @returns ms, at least half of the full waiting time
 */
export function backoffMs({ firstMs, longestMs }: BackoffPlan, failures: number, chance: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.round(full / 2 + (full / 2) * chance);
}
