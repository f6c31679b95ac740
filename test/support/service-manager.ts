import { Datagrams } from './datagrams.ts';

/** The other end of sd_notify: a real datagram socket, as systemd has it. */
export class ServiceManager {
  /** Every assignment that arrived, in order. */
  readonly told: string[] = [];
  readonly #socket: Datagrams;

  /** @param path of the socket; `@name` for the abstract namespace */
  constructor(path: string) {
    this.#socket = new Datagrams(path);
  }

  /** Takes what has arrived. @returns all assignments so far */
  read(): readonly string[] {
    this.told.push(...this.#socket.take().flatMap((datagram) => datagram.toString('utf8').split('\n')));
    return this.told;
  }

  close(): void {
    this.#socket.close();
  }
}
