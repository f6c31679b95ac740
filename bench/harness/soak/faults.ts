import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../core/random.ts';
import { findBelow } from '../process/arguments.ts';
import type { LoopbackCamera } from '../site/loopback-camera.ts';
import type { Recoveries } from './recoveries.ts';
import type { SoakedBox } from './soaked-box.ts';

/** What can be taken from a box. One fault a part at a time, any number of them beside each other. */
type Part = 'camera' | 'broker' | 'inference';

interface Fault {
  readonly name: string;
  readonly part: Part;
  /** How often it is drawn, beside the others. */
  readonly share: number;
  /** Frames of the connection from before do not count as recovered. */
  readonly renewed?: boolean;
  /** It lasts until then; absent where the box itself has to put an end to it. */
  readonly mend?: (box: SoakedBox, camera: LoopbackCamera) => Promise<void> | void;
  /** @returns false where there is nothing to break just now */
  readonly breakIt: (box: SoakedBox, camera: LoopbackCamera, id: string) => unknown;
}

async function signalDecoder(box: SoakedBox, id: string, signal: NodeJS.Signals): Promise<boolean> {
  return sent(await box.decoderOf(id), signal);
}

const signalInference = async ({ daemon }: SoakedBox, signal: NodeJS.Signals): Promise<boolean> =>
  sent(await findBelow(daemon.pid, 'daemon/inference/process'), signal);

function sent(pid: number | undefined, signal: NodeJS.Signals): boolean {
  if (pid === undefined) return false;
  process.kill(pid, signal);
  return true;
}

const RELOAD = 'model changed (SIGHUP)';

const FAULTS: readonly Fault[] = [
  {
    ...{ name: 'camera off', part: 'camera', share: 11, renewed: true },
    breakIt: (_, camera) => camera.off(),
    mend: (_, camera) => camera.on(),
  },
  {
    ...{ name: 'camera frozen', part: 'camera', share: 11 },
    breakIt: (_, { server }) => server.faults.freeze(),
    mend: (_, { server }) => server.faults.clear(),
  },
  {
    ...{ name: 'camera mute', part: 'camera', share: 11 },
    breakIt: (_, { server }) => server.faults.mute(),
    mend: (_, { server }) => server.faults.clear(),
  },
  {
    ...{ name: 'camera drops the connection', part: 'camera', share: 11, renewed: true },
    breakIt: (_, { server }) => server.faults.drop(),
  },
  {
    ...{ name: 'camera refuses', part: 'camera', share: 11, renewed: true },
    breakIt(_, { server }) {
      server.faults.refuse('close');
      server.faults.drop();
    },
    mend: (_, { server }) => server.faults.clear(),
  },
  {
    ...{ name: 'decoder killed', part: 'camera', share: 11, renewed: true },
    breakIt: (box, _, id) => signalDecoder(box, id, 'SIGKILL'),
  },
  {
    ...{ name: 'decoder stopped (SIGSTOP)', part: 'camera', share: 11, renewed: true },
    breakIt: (box, _, id) => signalDecoder(box, id, 'SIGSTOP'),
  },
  {
    ...{ name: 'broker killed', part: 'broker', share: 4 },
    async breakIt({ broker }) {
      broker.signal('SIGKILL');
      await broker.stop();
    },
    mend: ({ broker }) => broker.start(),
  },
  {
    ...{ name: 'broker stopped (SIGSTOP)', part: 'broker', share: 4 },
    breakIt: ({ broker }) => broker.signal('SIGSTOP'),
    mend: ({ broker }) => broker.signal('SIGCONT'),
  },
  {
    ...{ name: 'broker cut off', part: 'broker', share: 4 },
    breakIt: ({ relay }) => relay.cut(),
    mend: ({ relay }) => relay.mend(),
  },
  {
    ...{ name: 'inference killed', part: 'inference', share: 4 },
    breakIt: (box) => signalInference(box, 'SIGKILL'),
  },
  {
    ...{ name: 'inference stopped (SIGSTOP)', part: 'inference', share: 4 },
    breakIt: (box) => signalInference(box, 'SIGSTOP'),
  },
  { name: RELOAD, part: 'inference', share: 3, breakIt: (box) => box.reload() },
];

export const FAULT_NAMES: readonly string[] = FAULTS.map(({ name }) => name);

/** How long a fault lasts that ends by itself, s: below and above what the box takes to notice it (3 s for a camera, 7.5 s for a broker). */
const LASTS_S = [1, 10] as const;
const OFTEN_ENOUGH = 40;

/** Breaks things by a seed, and tells `recoveries` what and for how long. */
export class Breaker {
  readonly #box: SoakedBox;
  readonly #recoveries: Recoveries;
  readonly #random: Random;
  readonly #broken = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  failed: unknown;
  begun = 0;
  /** The most that there were at one time. */
  most = 0;

  constructor(box: SoakedBox, recoveries: Recoveries, random: Random) {
    this.#box = box;
    this.#recoveries = recoveries;
    this.#random = random;
  }

  /** About one fault every so many seconds until the signal aborts; resolves when the last is mended. */
  async breakUntil(everyS: number, until: AbortSignal): Promise<void> {
    while (!until.aborted && this.failed === undefined) {
      await this.#breakOne();
      const pause = 1000 * everyS * (0.5 + this.#random.next());
      await delay(pause, undefined, { signal: until }).catch(() => undefined); // the end is no failure
    }
    await Promise.all(this.#running);
  }

  /** Draws until there is a fault that can happen now. */
  async #breakOne(): Promise<void> {
    for (let tries = 0; tries < OFTEN_ENOUGH; tries++) {
      const fault = this.#draw();
      const ids = [...this.#box.cameras.keys()];
      const id = ids[this.#random.below(ids.length)] ?? '';
      const part = fault.part === 'camera' ? id : fault.part;
      if (this.#broken.has(part) || (fault.part === 'camera' && !this.#recoveries.isUndisturbed(id))) continue;
      if (await this.#begin(fault, part, id, fault.part === 'camera' ? [id] : ids)) return;
    }
  }

  #draw(): Fault {
    let left = this.#random.next() * FAULTS.reduce((sum, { share }) => sum + share, 0);
    for (const fault of FAULTS) {
      left -= fault.share;
      if (left < 0) return fault;
    }
    return FAULTS[0]!;
  }

  async #begin(fault: Fault, part: string, id: string, cameras: readonly string[]): Promise<boolean> {
    const camera = this.#box.cameras.get(id)!;
    const box = this.#box;
    const seconds = LASTS_S[0] + (LASTS_S[1] - LASTS_S[0]) * this.#random.next();
    this.#broken.add(part);
    const wanted = {
      ...(fault.renewed === true ? { renewed: true } : {}),
      ...(fault.name === RELOAD ? { model: () => box.model } : {}),
    };
    const trouble = this.#recoveries.begin(fault.name, cameras, wanted);
    const broke = await fault.breakIt(box, camera, id);
    if (broke === false) {
      trouble.cancel();
      this.#broken.delete(part);
      return false;
    }
    this.begun++;
    this.most = Math.max(this.most, this.#broken.size);
    const mending = (async () => {
      if (fault.mend !== undefined) await delay(seconds * 1000);
      await fault.mend?.(box, camera);
      trouble.end();
    })()
      .catch((cause: unknown) => {
        this.failed ??= cause;
      })
      .finally(() => {
        this.#broken.delete(part);
        this.#running.delete(mending);
      });
    this.#running.add(mending);
    return true;
  }
}
