import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { program } from './requirements.ts';
import { until } from './until.ts';

/** Below the ports that Linux gives to whoever connects, 32768 to 60999: one of those may be taken while its server is away. */
const [FIRST_PORT, LAST_PORT] = [15_000, 32_000];
/** Test files that run at once are given ports of different shares: what one has found free, no other binds before it does. */
const RUNS = ['fast', 'slow', 'waiting'];
const WORKERS = 8;
const SHARE = Math.floor((LAST_PORT - FIRST_PORT) / (RUNS.length * WORKERS));
const given = new Set<number>();

/** A port of 127.0.0.1 that was free a moment ago, and that nobody is given by chance. */
export async function freePort(): Promise<number> {
  const run = Math.max(0, RUNS.indexOf(process.env['WAYSIDE_TEST_RUN'] ?? ''));
  const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS;
  const first = FIRST_PORT + SHARE * (WORKERS * run + worker);
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(first, first + SHARE);
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    } catch {
      continue; // in use
    }
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no port is free');
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A real mosquitto on a loopback port, with its configuration in a folder of the test. */
export class Mosquitto {
  readonly port: number;
  readonly #folder: string;
  readonly #lines: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, lines: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#lines = lines;
  }

  /** @param lines of mosquitto.conf; without any, everyone may do everything */
  static async start(folder: string, lines: readonly string[] = ['allow_anonymous true']): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort(), folder, lines);
    await broker.start();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const file = join(this.#folder, 'mosquitto.conf');
    const user = process.getuid?.() === 0 ? ['user root'] : [];
    await writeFile(file, [...user, `listener ${this.port} 127.0.0.1`, ...this.#lines, ''].join('\n'));
    this.#child = spawn(program('mosquitto') ?? 'mosquitto', ['-c', file], { stdio: 'ignore' });
    await until('mosquitto to listen', () => accepts(this.port));
  }

  /** Leaves its connections open and answers nothing: a broker, or a network, that hangs. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Without persistence: it forgets its retained messages, as a broker that lost its disk does. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    // It listens before it heeds signals (2.0.11): the first may be lost.
    const again = setInterval(() => child.kill('SIGTERM'), 500);
    await exited;
    clearInterval(again);
  }
}
