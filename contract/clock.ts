import koffi from 'koffi';
import type { Log } from '../core/log.ts';
import type { Clock } from './messages/envelope.ts';
import { ChronyClock } from './time-daemon/chrony.ts';
import { timesyncdClock } from './time-daemon/timesyncd.ts';

/**
 * `struct timex` of adjtimex(2) on 64-bit Linux, x64 and arm64 alike: modes at 0, maxerror (µs) at 24, status at 40; 208 bytes.
 */
const TIMEX_BYTES = 208;
const MAXERROR_AT = 24;
const STATUS_AT = 40;
/** STA_UNSYNC, <sys/timex.h>: set by the kernel when no daemon has steered the clock for long. */
const STA_UNSYNC = 0x0040;
/** Return value TIME_ERROR: the clock is not synchronized. */
const TIME_ERROR = 5;

export const UNKNOWN_CLOCK: Clock = { synced: null, errorMs: null };

/** What the kernel says about its clock. */
export function clockFromTimex(returned: number, timex: Buffer): Clock {
  if (returned < 0) return UNKNOWN_CLOCK;
  const synced = returned !== TIME_ERROR && (timex.readInt32LE(STATUS_AT) & STA_UNSYNC) === 0;
  const errorMs = Number(timex.readBigInt64LE(MAXERROR_AT)) / 1000;
  return { synced, errorMs: synced ? Math.round(errorMs * 1000) / 1000 : null };
}

/**
 * Makes the reader of the clock's state. The kernel is asked, which knows of every time daemon (chrony, ntpd, timesyncd). Where it
 * refuses, as in our units (no filter lets a process ask for the state of the clock and not set it), the time daemons are asked
 * themselves: systemd-timesyncd by its folder, chronyd by its port. Without any, the state is unknown and said so.
 */
export function createClockReader(log: Log): () => Clock {
  let adjtimex: ((timex: Buffer) => number) | undefined;
  try {
    if (process.platform === 'linux') adjtimex = koffi.load('libc.so.6').func('int adjtimex(void *)');
  } catch (error) {
    log.info({ err: error }, 'the state of the clock cannot be read from the kernel');
  }
  const chrony = new ChronyClock();
  const read = (): Clock => {
    const timex = Buffer.alloc(TIMEX_BYTES); // modes = 0: only read
    const clock = adjtimex === undefined ? UNKNOWN_CLOCK : clockFromTimex(adjtimex(timex), timex);
    if (clock.synced !== null) return clock;
    return timesyncdClock(Date.now()) ?? chrony.read() ?? UNKNOWN_CLOCK;
  };
  read(); // chronyd needs a moment to answer
  return read;
}
