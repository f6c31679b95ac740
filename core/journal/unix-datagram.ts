import koffi from 'koffi';

/** <sys/socket.h> on Linux, x64 and arm64 alike. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `sun_path` of `struct sockaddr_un`. */
const SUN_PATH_BYTES = 108;

/** `struct sockaddr_un`: family, then the path; `@` in front means the abstract namespace, a zero byte in its place. */
export function socketAddress(path: string): Buffer {
  const name = Buffer.from(path, 'utf8');
  if (name.length >= SUN_PATH_BYTES)
    throw new Error(`${path}: longer than the ${SUN_PATH_BYTES - 1} bytes of a socket`);
  if (path.startsWith('@')) name[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  // A path ends with a zero byte, an abstract name with the length of the address.
  return Buffer.concat(path.startsWith('@') ? [family, name] : [family, name, Buffer.of(0)]);
}

/** Sends one datagram, without waiting. @returns whether it was taken: a full queue or a missing listener takes nothing */
export type SendDatagram = (datagram: Buffer) => boolean;

/**
 * Node has no datagram sockets of the Unix kind: libc is called directly. Every datagram names its address, so that a listener that
 * was started anew is found.
 *
 * @throws {Error} no socket is to be had, or the path is too long
 */
export function openUnixDatagram(path: string): SendDatagram {
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
  return (datagram) =>
    Number(sendTo(socket, datagram, datagram.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length)) >= 0;
}
