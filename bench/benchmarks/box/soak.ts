import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { diskFiles } from '../../../core/file-system.ts';
import { seededRandom } from '../../../core/random.ts';
import { exportedMessages } from '../../../daemon/journal/export.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { cpuSeconds } from '../../harness/process/tree.ts';
import { Centre } from '../../harness/soak/centre.ts';
import { Breaker } from '../../harness/soak/faults.ts';
import {
  heapFigures,
  LEAST_MINUTES,
  memoryFigures,
  processFigures,
  recoveryFigures,
} from '../../harness/soak/figures.ts';
import { RECOVERED_WITHIN_S, Recoveries } from '../../harness/soak/recoveries.ts';
import { type Sample, sampleTree } from '../../harness/soak/samples.ts';
import { CAMERAS, RATE, SoakedBox } from '../../harness/soak/soaked-box.ts';
import type { Workplace } from '../../harness/workplace.ts';

const SEED = 1;
const FAULT_EVERY_S = 4.3;
const SAMPLE_MS = 10_000;
const FULL_LENGTH = { minutes: 75, faults: 1000 } as const;
const START_MS = 60_000;
/** For the last of the journal, once everything is well. */
const DELIVERY_MS = 60_000;
const LOOK_MS = 500;

/** Everything on the disk of the box that was observed by now. */
async function onDisk(folder: string): Promise<{ readonly id: string; readonly journalSeq: number }[]> {
  const found: { id: string; journalSeq: number }[] = [];
  const all = { from: 0, to: Date.now() };
  for await (const { journalSeq, payload } of exportedMessages(diskFiles, folder, all, () => undefined))
    found.push({ journalSeq, id: (JSON.parse(payload) as { id: string }).id });
  return found;
}

/** A box under fire, and who looks at it. */
class Soak {
  readonly recoveries: Recoveries;
  readonly #box: SoakedBox;
  readonly #centre: Centre;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  #daemonGone: string | undefined;
  detections = 0;
  readonly loads: number[] = [];

  static async of(box: SoakedBox, signal: AbortSignal): Promise<Soak> {
    const recoveries = new Recoveries([...box.cameras.keys()]);
    let soak: Soak | undefined;
    const centre = await Centre.start(box.broker.url, box.root, {
      onDetections: (message) => {
        recoveries.detections(message);
        if (soak !== undefined) soak.detections++;
      },
      onStatus: (message) => recoveries.status(message),
    });
    soak = new Soak(box, centre, recoveries, signal);
    return soak;
  }

  private constructor(box: SoakedBox, centre: Centre, recoveries: Recoveries, signal: AbortSignal) {
    this.#box = box;
    this.#centre = centre;
    this.recoveries = recoveries;
    this.#signal = signal;
    void box.daemon.ended.then((code) => {
      this.#daemonGone = `the daemon ended with ${code}: ${box.daemon.lastWords()}`;
    });
  }

  /** Looks after everything until something holds. @throws {Error} where it does not in time, or the daemon is gone */
  async until(what: string, ms: number, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + ms;
    while (!(await holds())) {
      this.#signal.throwIfAborted();
      if (this.#daemonGone !== undefined) throw new Error(this.#daemonGone);
      if (this.#centre.broken !== undefined) throw this.#centre.broken;
      if (performance.now() > deadline) throw new Error(`waited ${ms / 1000} s for ${what}`);
      this.recoveries.check(Date.now());
      await delay(LOOK_MS);
    }
  }

  async run(minutes: number, say: (text: string) => void): Promise<Figure[]> {
    await this.until('every camera to be seen', START_MS, () => this.recoveries.isWell);
    const breaker = new Breaker(this.#box, this.recoveries, seededRandom(SEED));
    const started = performance.now();
    const spent = await cpuSeconds(this.#box.daemon.pid);
    const over = (): boolean => performance.now() - started > minutes * 60_000;
    const sampling = sampleTree(this.#box.daemon.pid, SAMPLE_MS, this.#ended.signal);
    const breaking = breaker.breakUntil(FAULT_EVERY_S, this.#ended.signal);
    let told = 0;
    try {
      await this.until('the end', Number.POSITIVE_INFINITY, () => {
        if (breaker.failed !== undefined) throw breaker.failed;
        if (performance.now() - started > told * 60_000) {
          told++;
          this.loads.push(loadavg()[0] ?? 0);
          const { recovered, waiting, lost } = this.recoveries;
          say(`${breaker.begun} faults, ${recovered.length} recovered, ${waiting} open, ${lost.length} not`);
        }
        return over();
      });
    } finally {
      this.#ended.abort();
    }
    await breaking;
    const samples = await sampling;
    const seconds = (performance.now() - started) / 1000;
    const cpu = (await cpuSeconds(this.#box.daemon.pid)) - spent;
    await this.until('the last recoveries', 2 * RECOVERED_WITHIN_S * 1000, () => this.recoveries.waiting === 0);
    return [
      { subject: 'all', measure: 'length of the run', value: minutes, unit: 'min' },
      { subject: 'all', measure: 'cameras', value: CAMERAS, unit: '' },
      { subject: 'all', measure: 'frames analysed a second', value: this.detections / seconds, unit: '' },
      { subject: 'all', measure: 'CPU of the box', value: (100 * cpu) / seconds, unit: '% of a core' },
      ...this.#faultFigures(breaker, minutes),
      ...(await this.#journalFigures()),
      ...(await this.#memoryFigures(samples, minutes)),
    ];
  }

  #faultFigures({ begun, most }: Breaker, minutes: number): Figure[] {
    const { recovered, lost } = this.recoveries;
    const least = minutes < FULL_LENGTH.minutes ? {} : { limit: { atLeast: FULL_LENGTH.faults } };
    return [
      { subject: 'all faults', measure: 'begun', value: begun, unit: '', ...least },
      { subject: 'all faults', measure: 'at one time, most', value: most, unit: '' },
      { subject: 'all faults', measure: 'not recovered', value: lost.length, unit: '', limit: { atMost: 0 } },
      ...recoveryFigures(recovered),
    ];
  }

  async #journalFigures(): Promise<Figure[]> {
    const { journal } = this.#centre;
    const kept = await onDisk(this.#box.journal);
    const last = Math.max(0, ...kept.map(({ journalSeq }) => journalSeq));
    await this.until('the last of the journal', DELIVERY_MS, () =>
      kept.every(({ id, journalSeq }) => journalSeq < last || journal.has(id)),
    );
    const { messages, duplicates, missing, givenUp, givenTwice } = journal.upTo(last);
    const { faults } = await verifyJournal(diskFiles, this.#box.journal);
    const subject = 'journal';
    const none = { unit: '', limit: { atMost: 0 } } as const;
    return [
      { subject, measure: 'messages', value: messages, unit: '' },
      { subject, measure: 'delivered again, removable by id', value: duplicates, unit: '' },
      { subject, measure: 'numbers missing', value: missing.length, ...none },
      { subject, measure: 'given up by the box', value: givenUp, ...none },
      { subject, measure: 'numbers given twice', value: givenTwice, ...none },
      {
        subject,
        measure: 'on its disk and not delivered',
        value: kept.filter(({ id }) => !journal.has(id)).length,
        ...none,
      },
      { subject, measure: 'faults of its chain', value: faults.length, ...none },
    ];
  }

  async #memoryFigures(samples: readonly Sample[], minutes: number): Promise<Figure[]> {
    return [
      ...memoryFigures(samples, 'supervisor', minutes),
      ...heapFigures(await this.#box.heap(), minutes),
      ...memoryFigures(samples, 'inference', minutes),
      // Each camera has a decoder, or is looking for one; two inference processes while the model changes.
      ...processFigures(samples, minutes, CAMERAS + 2),
    ];
  }

  async close(): Promise<void> {
    await this.#centre.stop();
  }
}

async function soakFor(place: Workplace): Promise<{ readonly figures: Figure[]; readonly notes: string[] }> {
  const box = await SoakedBox.start(place);
  try {
    const soak = await Soak.of(box, place.signal);
    try {
      const figures = await soak.run(place.minutes, place.say);
      const { loads } = soak;
      const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
      const load = `the machine did other work besides: load ${mean.toFixed(1)} in the mean of the run, ${Math.max(...loads).toFixed(1)} at most`;
      const short =
        place.minutes < LEAST_MINUTES ? ['too short for a slope: warm-up and windows were shortened with it'] : [];
      return { figures, notes: [load, ...soak.recoveries.lost, ...short] };
    } finally {
      await soak.close();
    }
  } finally {
    await box.close();
  }
}

export const soak: Benchmark = {
  name: 'soak',
  title: 'A thousand faults in 75 minutes',
  method:
    `One daemon that counts on ${CAMERAS} loopback cameras of the rendered street, each analysed ${RATE} times a second by the demonstration's detector; mosquitto with a session that outlives its connections. ` +
    `A fault about every ${FAULT_EVERY_S} s, by a seed, several beside each other: a camera is switched off, freezes, falls mute, drops the connection or turns the daemon away; its decoder is killed or stopped (SIGSTOP); ` +
    'the broker is killed, stopped or cut off; the inference process is killed or stopped; another model is configured (SIGHUP). Those that do not end by themselves last 1 to 10 s. ' +
    'Recovered is the time from the end of the fault (of the last one in the way of the same camera, where they overlap) until detections of a new frame of every camera concerned arrive and `camera/+/status` says live; ' +
    'after a new model, until it speaks; what takes the connection to a camera counts only from a new one. One that takes more than a minute undisturbed has not recovered. ' +
    'At the end every number of the journal must have arrived, and the journal on the disk must verify. Every 10 s the memory of each process of the daemon is read from `/proc`, ' +
    'with what of it is its own and what it shows of files, and what V8 holds in the supervisor. Growth is the slope of the five-minute minima after ten minutes of warm-up: what is held, without what waits to be collected. ' +
    'Inference processes are replaced by many of the faults: theirs is that of whichever runs.',
  layout: 'list',
  needs: ['ffmpeg', 'mosquitto'],
  minutes: FULL_LENGTH.minutes,
  run: soakFor,
};
