import { statSync } from 'node:fs';
import type { Clock } from '../messages/envelope.ts';

/** There while systemd-timesyncd runs; the file in it is touched at every correction (manager_receive_response in timesyncd-manager.c). */
const FOLDER = '/run/systemd/timesync';
/** MAXFREQ: the kernel lets the largest error grow by that from one correction to the next, parts in a million (kernel/time/ntp.c). */
const GROWTH_PPM = 500;
/** NTP_PHASE_LIMIT: beyond, the kernel calls its clock unsynchronized. */
const MOST_ERROR_MS = 16_000;

const modifiedMs = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.mtimeMs;

/**
 * What the kernel would say under systemd-timesyncd, which sets the largest error to 0 at every correction.
 *
 * @param now ms since the epoch, of the clock in question
 * @returns undefined where it does not run
 */
export function timesyncdClock(now: number, folder = FOLDER): Clock | undefined {
  if (modifiedMs(folder) === undefined) return undefined;
  const corrected = modifiedMs(`${folder}/synchronized`);
  // A correction in the future: somebody has set the clock back since.
  if (corrected === undefined || corrected > now) return { synced: false, errorMs: null };
  const errorMs = ((now - corrected) * GROWTH_PPM) / 1e6;
  return errorMs < MOST_ERROR_MS
    ? { synced: true, errorMs: Math.round(errorMs * 1000) / 1000 }
    : { synced: false, errorMs: null };
}
