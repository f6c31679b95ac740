import { type BackoffPlan, backoffMs } from '../../core/backoff.ts';
import type { WaysideError } from '../../core/errors.ts';
import type { Source } from './work.ts';

const BACKOFF: BackoffPlan = { firstMs: 10_000, longestMs: 30 * 60_000 };
/** Signed, and still nothing that can be used: it stays so. */
const FINAL: readonly string[] = ['BUNDLE_INVALID', 'BUNDLE_TOO_LARGE', 'UPDATE_FORMAT'];
/** The disk may have lied once. */
const FINAL_AFTER: Readonly<Record<string, number>> = { PACKAGE_INVALID: 3 };
/** Whoever pulled the stick out knows, and puts it in again. */
const FINAL_ON_STICK: readonly string[] = ['DOWNLOAD_FAILED', 'TARGET_UNKNOWN', 'UPDATE_REFUSED', 'UPDATE_EXPIRED'];

/** Whether a step that failed ends its job, or waits for another attempt: how long, in ms. */
export function afterFailure(
  { code }: WaysideError,
  source: Source,
  failures: number,
  chance: number,
): { readonly final: true } | { readonly waitMs: number } {
  if (FINAL.includes(code) || failures >= (FINAL_AFTER[code] ?? Number.POSITIVE_INFINITY)) return { final: true };
  if (source === 'stick' && FINAL_ON_STICK.includes(code)) return { final: true };
  return { waitMs: backoffMs(BACKOFF, failures, chance) };
}
