import koffi from 'koffi';
import { socketAddress } from '../../core/journal/unix-datagram.ts';

/** <sys/socket.h> on Linux. */
const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40];

/** A real datagram socket of the Unix kind, as systemd and journald listen on. */
export class Datagrams {
  readonly #socket: number;
  readonly #receive: (...values: (number | Buffer)[]) => number;
  readonly #close: (socket: number) => number;

  /** @param path of the socket; `@name` for the abstract namespace */
  constructor(path: string) {
    const libc = koffi.load('libc.so.6');
    this.#receive = libc.func('long recv(int, void *, size_t, int)') as (...values: (number | Buffer)[]) => number;
    this.#close = libc.func('int close(int)') as (socket: number) => number;
    this.#socket = libc.func('int socket(int, int, int)')(AF_UNIX, SOCK_DGRAM, 0) as number;
    const address = socketAddress(path);
    if (libc.func('int bind(int, void *, unsigned int)')(this.#socket, address, address.length) !== 0) {
      throw new Error(`cannot bind ${path}`);
    }
  }

  /** Takes what has arrived since. */
  take(): Buffer[] {
    const taken: Buffer[] = [];
    for (;;) {
      const bytes = Buffer.alloc(2 ** 18);
      const length = Number(this.#receive(this.#socket, bytes, bytes.length, MSG_DONTWAIT));
      if (length <= 0) return taken;
      taken.push(bytes.subarray(0, length));
    }
  }

  close(): void {
    this.#close(this.#socket);
  }
}
