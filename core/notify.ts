import { openUnixDatagram } from './journal/unix-datagram.ts';
import type { Log } from './log.ts';

/** Tells the service manager how the daemon is: sd_notify(3). Does nothing where there is no service manager. */
export interface Notifier {
  /** Microseconds within which systemd wants a sign of life; undefined when it watches nothing. */
  readonly watchdogUsec: number | undefined;
  /** @param assignments `READY=1`, `STATUS=...`: one a line */
  notify(...assignments: readonly string[]): void;
}

const inert: Notifier = { watchdogUsec: undefined, notify: () => {} };

/** The watchdog interval, if it is meant for this process: WATCHDOG_PID names it (sd_watchdog_enabled(3)). */
function watchdogOf(environment: NodeJS.ProcessEnv): number | undefined {
  const pid = environment['WATCHDOG_PID'];
  const usec = Number(environment['WATCHDOG_USEC']);
  return Number.isFinite(usec) && usec > 0 && (pid === undefined || Number(pid) === process.pid) ? usec : undefined;
}

/** A full queue drops the message, as sd_notify does not wait. */
export function createNotifier(log: Log, environment = process.env): Notifier {
  const path = environment['NOTIFY_SOCKET'];
  if (path === undefined || path === '' || process.platform !== 'linux') return inert;
  try {
    const send = openUnixDatagram(path);
    return {
      watchdogUsec: watchdogOf(environment),
      notify: (...assignments) => void send(Buffer.from(assignments.join('\n'), 'utf8')),
    };
  } catch (error) {
    log.error({ err: error }, 'the service manager cannot be notified');
    return inert;
  }
}

/** CLOCK_MONOTONIC in µs, which RELOADING=1 must carry (sd_notify(3)); Node's hrtime is that clock. */
export const monotonicUsec = (): bigint => process.hrtime.bigint() / 1000n;
