import { TRIAL_REASONS, type TrialReason } from '../trial/reasons.ts';
import type { Reason } from './situation.ts';

/** As the store keeps it: `CODE: words`, or a code alone. */
export const reasonText = ({ code, message }: Reason): string => `${code}: ${message}`;

export function readReason(text: string): Reason {
  const colon = text.indexOf(': ');
  if (colon >= 0) return { code: text.slice(0, colon), message: text.slice(colon + 2) };
  return { code: text, message: text in TRIAL_REASONS ? TRIAL_REASONS[text as TrialReason] : text };
}
