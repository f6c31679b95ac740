import koffi from 'koffi';
import type { Log } from '../core/log.ts';

/** Tells the service manager how the daemon is: sd_notify(3). Does nothing where there is no service manager. */
export interface Notifier {
  /** Microseconds within which systemd wants a sign of life; undefined when it watches nothing. */
  readonly watchdogUsec: number | undefined;
  /** @param assignments `READY=1`, `STATUS=...`: one a line */
  notify(...assignments: readonly string[]): void;
}

/** <sys/socket.h> on Linux, x64 and arm64 alike. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `sun_path` of `struct sockaddr_un`. */
const SUN_PATH_BYTES = 108;

const inert: Notifier = { watchdogUsec: undefined, notify: () => {} };

/** `struct sockaddr_un`: family, then the path; `@` in front means the abstract namespace, a zero byte in its place. */
export function socketAddress(path: string): Buffer {
  const name = Buffer.from(path, 'utf8');
  if (name.length >= SUN_PATH_BYTES) throw new Error(`NOTIFY_SOCKET is longer than ${SUN_PATH_BYTES - 1} bytes`);
  if (path.startsWith('@')) name[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  // A path ends with a zero byte, an abstract name with the length of the address.
  return Buffer.concat(path.startsWith('@') ? [family, name] : [family, name, Buffer.of(0)]);
}

/** The watchdog interval, if it is meant for this process: WATCHDOG_PID names it (sd_watchdog_enabled(3)). */
function watchdogOf(environment: NodeJS.ProcessEnv): number | undefined {
  const pid = environment['WATCHDOG_PID'];
  const usec = Number(environment['WATCHDOG_USEC']);
  return Number.isFinite(usec) && usec > 0 && (pid === undefined || Number(pid) === process.pid) ? usec : undefined;
}

/** Node has no datagram sockets of the Unix kind: libc is called directly. A full queue drops the message, as sd_notify does not wait. */
export function createNotifier(log: Log, environment = process.env): Notifier {
  const path = environment['NOTIFY_SOCKET'];
  if (path === undefined || path === '' || process.platform !== 'linux') return inert;
  try {
    const libc = koffi.load('libc.so.6');
    const openSocket = libc.func('int socket(int, int, int)') as (
      domain: number,
      type: number,
      protocol: number,
    ) => number;
    const sendTo = libc.func('long sendto(int, void *, size_t, int, void *, unsigned int)') as (
      ...values: readonly (number | Buffer)[]
    ) => number;
    const address = socketAddress(path);
    const socket = openSocket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) throw new Error('socket(AF_UNIX) failed: does the unit allow AF_UNIX?');
    return {
      watchdogUsec: watchdogOf(environment),
      notify: (...assignments) => {
        const text = Buffer.from(assignments.join('\n'), 'utf8');
        sendTo(socket, text, text.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length);
      },
    };
  } catch (error) {
    log.error({ err: error }, 'the service manager cannot be notified');
    return inert;
  }
}

/** CLOCK_MONOTONIC in µs, which RELOADING=1 must carry (sd_notify(3)); Node's hrtime is that clock. */
export const monotonicUsec = (): bigint => process.hrtime.bigint() / 1000n;
