import type { Socket } from 'node:net';
import koffi from 'koffi';

/** <netinet/in.h>, <linux/tcp.h>: the same on every architecture that Linux runs on. */
const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;

type SetSocketOption = (fd: number, level: number, name: number, value: Buffer, length: number) => number;
let setSocketOption: SetSocketOption | null | undefined;

/** libc's setsockopt; null where there is none to call. Node offers TCP_NODELAY and keep-alive only. */
function libcSetSocketOption(): SetSocketOption | null {
  if (process.platform !== 'linux') return null;
  try {
    return koffi.load('libc.so.6').func('int setsockopt(int, int, int, void *, unsigned int)') as SetSocketOption;
  } catch {
    return null; // musl, or no koffi for this processor: the window and the reset do without
  }
}

/**
 * Lets the kernel give a connection up once something it sent was not acknowledged for so long (tcp(7), TCP_USER_TIMEOUT).
 *
 * @returns whether the kernel took it
 */
export function limitUnacknowledged(socket: Socket, ms: number): boolean {
  setSocketOption ??= libcSetSocketOption();
  // Node keeps the descriptor to itself but for this handle, which is not in its documentation.
  const fd = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
  if (setSocketOption === null || fd === undefined || fd < 0) return false;
  const value = Buffer.alloc(4);
  value.writeInt32LE(ms);
  return setSocketOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, value, value.length) === 0;
}
