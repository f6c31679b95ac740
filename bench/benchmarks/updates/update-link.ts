import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { compiledModule } from '../../../core/layout.ts';
import { seededRandom } from '../../../core/random.ts';
import { selfSignedCertificate } from '../../../deploy/repository/certificate.ts';
import { serveFolder } from '../../../deploy/repository/serve.ts';
import type { Benchmark } from '../../harness/benchmark.ts';
import { type Modem, makeModem, whyNoModem } from '../../harness/site/modem.ts';
import type { FetchLine } from '../../harness/updates/fetch.ts';
import { repositoryWith } from '../../harness/updates/repository.ts';

const BUNDLE_BYTES = 5_250_000;
const BITS_PER_SECOND = 256_000;
const LOSS = 0.05;
/** A second of the link: more would be the queue of a bad modem, and slower to notice a loss. */
const MODEM_BUFFER_BYTES = 32_000;
/** Of a TLS record: at most so much was received and neither written nor said when a process is killed. */
const RECORD_BYTES = 16_384;

/** Twenty, spread over the bundle. */
const CUTS = Array.from({ length: 20 }, (_, i) => (['reset', 'killed', 'reset', 'dead', 'killed'] as const)[i % 5]!);
const RESET_MS = 2000;
/** TCP goes on by itself after the short one; the long one outlasts the patience of the client. */
const DEAD_MS = [10_000, 75_000, 10_000, 10_000] as const;

interface Fetching {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly ended: Promise<unknown>;
}

class BoxOnLink {
  readonly #modem: Modem;
  readonly #args: readonly string[];
  readonly #onLine: () => void;
  /** Bytes of response bodies of the processes that were killed before this one. */
  receivedBefore = 0;
  received = 0;
  done = 0;
  sessionsFailed = 0;
  #fetching: Fetching;

  constructor(modem: Modem, args: readonly string[], onLine: () => void) {
    this.#modem = modem;
    this.#args = args;
    this.#onLine = onLine;
    this.#fetching = this.#start();
  }

  get ended(): Promise<unknown> {
    return this.#fetching.ended;
  }

  get isRunning(): boolean {
    const { exitCode, signalCode } = this.#fetching.child;
    return exitCode === null && signalCode === null;
  }

  #start(): Fetching {
    const [program = '', ...before] = this.#modem.inBox;
    const module = compiledModule('bench/harness/updates/fetch');
    const args = [...before, process.execPath, module, ...this.#args];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as FetchLine;
      this.received = line.received;
      if ('done' in line) this.done = line.done;
      if ('failed' in line) this.sessionsFailed++;
      this.#onLine();
    });
    child.on('close', this.#onLine);
    return { child, ended: once(child, 'close') };
  }

  /** As the power does. */
  async kill(): Promise<void> {
    const { child, ended } = this.#fetching;
    child.kill('SIGKILL');
    await ended;
    this.receivedBefore += this.received + RECORD_BYTES;
    this.received = 0;
    this.#fetching = this.#start();
  }

  stop(): void {
    this.#fetching.child.kill('SIGKILL');
  }
}

async function cut(kind: (typeof CUTS)[number], at: number, box: BoxOnLink, modem: Modem): Promise<void> {
  if (kind === 'killed') return box.kill();
  if (kind === 'reset') {
    await modem.disconnect();
    await delay(RESET_MS);
    return modem.connect();
  }
  await modem.die();
  await delay(DEAD_MS[Math.floor(at / 5)]);
  return modem.revive();
}

export const updateLink: Benchmark = {
  name: 'update-link',
  title: 'A bundle over a thin link that is cut twenty times',
  method:
    'A box in a network namespace fetches a bundle of 5.25 MB of noise from a repository over HTTPS, with the TUF client of its agent. Its downlink has 256 kbit/s, 5% of the packets of both ways are lost. ' +
    'Twenty cuts, evenly over the bundle: 8 times connections are answered by resets for 2 s, 8 times the process is killed with SIGKILL, 4 times every packet is dropped for 10 s, once of them for 75 s. ' +
    'Received are the bytes of all response bodies of all attempts, metadata included; for each kill 16 KB are added, since it cannot say what it had just received.',
  layout: 'list',
  needs: [],
  async run({ scratch, say, signal }) {
    const lacking = await whyNoModem();
    if (lacking !== undefined) return { skipped: `needs ${lacking}` };
    const random = seededRandom(1);
    const bundle = Uint8Array.from({ length: BUNDLE_BYTES }, () => random.below(256));
    const { published, root, path } = await repositoryWith(scratch, bundle);
    const modem = await makeModem();
    const tls = selfSignedCertificate([modem.address]);
    const server = await serveFolder(published, { host: modem.address, port: 0, tls });
    const folder = join(scratch, 'box');
    await mkdir(folder);
    const file = join(folder, 'fetched.bundle');
    let wake = (): void => {};
    const box = new BoxOnLink(modem, [folder, root, server.url, tls.cert, path, file], () => wake());
    try {
      await modem.thinDown(BITS_PER_SECOND, MODEM_BUFFER_BYTES);
      await modem.lossy(LOSS);
      const started = performance.now();
      for (const [at, kind] of CUTS.entries()) {
        const due = ((at + 1) / (CUTS.length + 1)) * BUNDLE_BYTES;
        while (box.done < due) {
          signal.throwIfAborted();
          if (!box.isRunning) throw new Error('the box ended before it had its bundle');
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        say(`${(box.done / 1e6).toFixed(2)} MB: ${kind}`);
        await cut(kind, at, box, modem);
      }
      await box.ended;
      const seconds = (performance.now() - started) / 1000;
      const received = box.receivedBefore + box.received;
      const { size } = await stat(file);
      const subject = '5.25 MB, 20 cuts';
      return {
        figures: [
          { subject, measure: 'fetched', value: size / 1e6, unit: 'MB', limit: { atLeast: BUNDLE_BYTES / 1e6 } },
          { subject, measure: 'received', value: received / 1e6, unit: 'MB' },
          {
            subject,
            measure: 'received beyond its size',
            value: (100 * (received - size)) / size,
            unit: '%',
            limit: { atMost: 3 },
          },
          { subject, measure: 'on the wire', value: (await modem.bytesDown()) / 1e6, unit: 'MB' },
          { subject, measure: 'sessions that failed', value: box.sessionsFailed, unit: '' },
          { subject, measure: 'time', value: seconds, unit: 's' },
        ],
        notes: [`without a cut or a loss the bytes alone take ${((8 * BUNDLE_BYTES) / BITS_PER_SECOND).toFixed(0)} s`],
      };
    } finally {
      box.stop();
      await server.close();
      await modem.remove();
    }
  },
};
