import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type FromAgent, type FromDaemon, fromDaemon, LONGEST_LINE_BYTES } from '../trial/protocol.ts';
import { LineSplitter } from './line-splitter.ts';

interface DaemonSocketListeners {
  readonly onMessage: (message: FromDaemon) => void;
  /** The connection has ended; what was under way in the daemon is not known any more. */
  readonly onGone: () => void;
}

/** What waits to be read by the daemon may be so much: it reads a few small messages a day. */
const MOST_UNREAD_BYTES = 4 * LONGEST_LINE_BYTES;

/** The Unix socket over which the daemon of the box speaks with the agent: one client, lines of JSON, each checked. */
export class DaemonSocket {
  readonly #path: string;
  readonly #listeners: DaemonSocketListeners;
  readonly #log: Log;
  #server: Server | undefined;
  #client: Socket | undefined;

  constructor(path: string, listeners: DaemonSocketListeners, log: Log) {
    this.#path = path;
    this.#listeners = listeners;
    this.#log = log;
  }

  /** @throws {WaysideError} LISTEN_FAILED, also where another agent listens there */
  async open(): Promise<void> {
    if (await answers(this.#path)) {
      throw new WaysideError('LISTEN_FAILED', {
        message: `${this.#path}: another agent listens there`,
        hint: 'one agent serves one store',
      });
    }
    await rm(this.#path, { force: true });
    const server = createServer((socket) => this.#connected(socket));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(this.#path, resolve);
      });
      await chmod(this.#path, 0o660);
    } catch (cause) {
      server.close();
      throw new WaysideError('LISTEN_FAILED', {
        message: `cannot listen on ${this.#path}: ${messageOf(cause)}`,
        cause,
      });
    }
    this.#server = server;
  }

  /** @returns whether there is a daemon that it was sent to */
  send(message: FromAgent): boolean {
    const client = this.#client;
    if (client === undefined || !client.writable) return false;
    client.write(`${JSON.stringify(message)}\n`);
    if (client.writableLength > MOST_UNREAD_BYTES) {
      this.#log.error('the daemon does not read what the agent says');
      client.destroy();
    }
    return true;
  }

  async close(): Promise<void> {
    this.#client?.destroy();
    const server = this.#server;
    if (server === undefined) return;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #connected(socket: Socket): void {
    if (this.#client !== undefined) {
      this.#log.warn('a second daemon was turned away');
      socket.destroy();
      return;
    }
    this.#client = socket;
    const lines = new LineSplitter(LONGEST_LINE_BYTES);
    socket.on('data', (chunk) => {
      try {
        for (const line of lines.take(chunk)) this.#listeners.onMessage(fromDaemon.parse(JSON.parse(line)));
      } catch (cause) {
        this.#log.error({ reason: messageOf(cause).slice(0, 500) }, 'what the daemon said is not understood');
        socket.destroy();
      }
    });
    socket.on('error', (cause) => this.#log.info({ reason: cause.message }, 'the connection to the daemon broke'));
    socket.on('close', () => {
      this.#client = undefined;
      this.#listeners.onGone();
    });
  }
}

/** Whether somebody listens: a socket that a killed agent left behind answers nobody. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
