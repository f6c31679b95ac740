import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import type { Body } from '../../contract/messenger.ts';
import type { Log } from '../../core/log.ts';
import type { CountingQuality } from '../../inference/counting-quality.ts';
import { adjustingFlow } from '../audit/adjusted-flow.ts';
import type { MissEstimate, Misses } from '../audit/miss-watch.ts';
import { type Sliced, SlicedQueue } from '../audit/sliced-work.ts';
import { wallTimeOf } from '../camera/timing/wall.ts';
import type { CameraEntry } from '../cameras.ts';
import { Coverage } from '../counts/coverage.ts';
import { type ClosedInterval, IntervalBook } from '../counts/interval-book.ts';
import { laneAt } from '../counts/lanes.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature, SeenFrame } from './feature.ts';
import type { MissReport } from './miss-report.ts';

interface Counted {
  readonly books: readonly { readonly seconds: number; readonly book: IntervalBook }[];
  readonly coverage: Coverage;
  /** Of what they were made from. */
  readonly made: string;
  /** Its view is not the street. */
  bad: boolean;
}

/** Models that spoke, by digest, and what they counted. */
interface Spoken {
  readonly model: ModelIdentity;
  readonly classes: readonly string[];
  readonly purpose: 'demonstration' | null;
  readonly counting: CountingQuality | null;
}

type CountsBody = Omit<Body<'counts'>, 'journalSeq'>;

/** Every model that spoke within an hour is still to be named. */
const KEPT_MODELS = 32;

/**
 * Says what passed, by even intervals of the wall clock, and how much of each was seen. A camera has counts where lines or zones are
 * drawn on it: while nothing finds objects there, they say that nothing was seen.
 */
export class CountsReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;
  readonly #misses: Pick<MissReport, 'of'>;
  readonly #log: Log;
  readonly #cameras = new Map<string, Counted>();
  readonly #spoken = new Map<string, Spoken>();
  readonly #adjusting = new SlicedQueue();

  constructor(daemon: DaemonView, uplink: Uplink, misses: Pick<MissReport, 'of'>, log: Log) {
    this.#daemon = daemon;
    this.#misses = misses;
    this.#uplink = uplink;
    this.#log = log;
  }

  start(signal: AbortSignal): void {
    this.#daemon.on('configured', () => this.#apply(), signal);
    this.#daemon.on('traffic', (seen) => this.#count(seen), signal);
    this.#daemon.on('camera', (id) => this.#look(id), signal);
    this.#daemon.on('tick', () => this.#close(), signal);
    signal.addEventListener('abort', () => this.#adjusting.finish(), { once: true });
  }

  #apply(): void {
    const { cameras, loaded } = this.#daemon.present;
    const { intervals } = loaded.config.counting;
    for (const { id, config } of cameras) {
      const [lines, zones] = [config.lines.map((line) => line.id), config.zones.map((zone) => zone.id)];
      const made = JSON.stringify([config.lines, config.zones, intervals]);
      if (this.#cameras.get(id)?.made === made) continue;
      this.#cameras.delete(id);
      if (lines.length === 0 && zones.length === 0) continue;
      const books = intervals.map((seconds) => {
        const book = new IntervalBook({ lengthMs: seconds * 1000, lines, zones });
        book.begin(Date.now());
        return { seconds, book };
      });
      this.#cameras.set(id, { books, coverage: new Coverage(), made, bad: false });
    }
    if (this.#cameras.size > 0 && this.#uplink.journal() === undefined)
      this.#log.error(
        { code: 'CONFIG_INVALID', hint: 'name a folder: journal.folder' },
        'counts and events have nowhere to be kept, and are not sent',
      );
    for (const id of this.#cameras.keys()) if (!cameras.some((entry) => entry.id === id)) this.#cameras.delete(id);
  }

  #count({ frame, seen, time, scheme }: SeenFrame): void {
    const counted = this.#cameras.get(frame.camera);
    const entry = this.#entry(frame.camera);
    if (counted === undefined || entry === undefined) return;
    const { model, purpose, counting } = frame.ready;
    this.#remember({ model, classes: scheme.classes, purpose, counting });
    const { capturedAtWall } = frame.frame;
    const span = counted.coverage.frame(capturedAtWall, showsStreet(entry));
    const occupied = entry.config.zones.filter((_, i) => (seen.occupancy[i] ?? 0) > 0).map(({ id }) => id);
    for (const { book } of counted.books) {
      if (span !== undefined) book.saw(span, model.digest, occupied);
      for (const { line, direction, along, speed, classIndex, time: at } of seen.crossings) {
        const lane = laneAt(entry.config.lines.find(({ id }) => id === line)?.lanes ?? [], along);
        const name = scheme.classes[classIndex] ?? 'unknown';
        book.passed({ line, direction, lane, class: name, speed }, capturedAtWall + (at - time) * 1000);
      }
    }
  }

  /** A camera that is gone was seen until then; a picture that stopped was not, from before it was noticed on. */
  #look(id: string): void {
    const counted = this.#cameras.get(id);
    const entry = this.#entry(id);
    if (counted === undefined || entry === undefined) return;
    if (showsStreet(entry)) {
      counted.bad = false;
      return;
    }
    counted.coverage.interrupt();
    const { state, viewSince } = entry.camera.status();
    if (counted.bad || state !== 'live' || viewSince === null) return;
    counted.bad = true;
    for (const { book } of counted.books) book.unsaw({ from: wallTimeOf(viewSince), to: Date.now() });
  }

  #close(): void {
    const now = Date.now();
    for (const [camera, { books }] of this.#cameras)
      for (const { seconds, book } of books) for (const closed of book.close(now)) this.#tell(camera, seconds, closed);
  }

  #tell(camera: string, seconds: number, closed: ClosedInterval): void {
    const { from, to, revision, coverage, flows, occupied, models, uncounted } = closed;
    const spoken = models.flatMap((digest) => this.#spoken.get(digest) ?? []);
    const seen = coverage > 0;
    const qualities = spoken.map(({ counting }) => counting);
    const body: Omit<CountsBody, 'flows'> = {
      camera,
      interval: { from: new Date(from).toISOString(), to: new Date(to).toISOString(), seconds },
      revision,
      coverage: tenThousandth(coverage),
      classScheme: { name: this.#schemeName(), classes: [...new Set(spoken.flatMap(({ classes }) => classes))] },
      models: spoken.map(({ model }) => model),
      purpose: spoken.some(({ purpose }) => purpose === 'demonstration') ? 'demonstration' : null,
      occupancy: seen
        ? Object.fromEntries(Object.entries(occupied).map(([id, share]) => [id, hundredth(share)]))
        : null,
      ...missesBody(this.#misses.of(camera)),
      uncounted,
    };
    this.#adjusting.add(
      this.#append({ ...body, flows: null }, { to, flows: seen ? flows : null, coverage }, qualities),
    );
  }

  /** To adjust the counts of many flows takes longer than a frame may wait: an interval that is over has time. */
  *#append(
    body: CountsBody,
    {
      to,
      flows,
      coverage,
    }: Pick<ClosedInterval, 'to' | 'coverage'> & { readonly flows: ClosedInterval['flows'] | null },
    qualities: readonly (CountingQuality | null)[],
  ): Sliced<void> {
    const told: NonNullable<CountsBody['flows']> = [];
    for (const { speed, headwaySeconds, ...flow } of flows ?? [])
      told.push({
        ...flow,
        adjusted: yield* adjustingFlow(flow, coverage, qualities),
        classes: { ...flow.classes },
        speed: speed === null ? null : speedBody(speed),
        headwaySeconds: headwaySeconds === null ? null : hundredth(headwaySeconds),
      });
    const all = { ...body, flows: flows === null ? null : told };
    this.#uplink.append('counts', all, { capturedAt: to }, { camera: body.camera });
  }

  #schemeName(): string {
    const { classScheme, classes } = this.#daemon.present.loaded.config.counting;
    return classScheme ?? (classes === undefined ? 'road-users' : 'configured');
  }

  #remember(spoken: Spoken): void {
    this.#spoken.delete(spoken.model.digest);
    this.#spoken.set(spoken.model.digest, spoken);
    for (const digest of this.#spoken.keys()) if (this.#spoken.size > KEPT_MODELS) this.#spoken.delete(digest);
  }

  #entry(camera: string): CameraEntry | undefined {
    return this.#daemon.present.cameras.find(({ id }) => id === camera);
  }
}

/** What is frozen, dark or covered was not seen; what was not looked at for long enough is believed. */
function showsStreet({ camera }: CameraEntry): boolean {
  const { view, state } = camera.status();
  return state === 'live' && (view === null || view === 'ok');
}

type FlowSpeed = NonNullable<ClosedInterval['flows'][number]['speed']>;

const speedBody = ({ measured, mean, v85, histogram }: FlowSpeed) => ({
  measured,
  mean: hundredth(mean),
  v85: hundredth(v85),
  histogram: [...histogram],
});

/** Nothing where it is not asked for. */
function missesBody(misses: Misses | null | undefined): Pick<Body<'counts'>, 'misses'> {
  if (misses === undefined || misses === null) return misses === null ? { misses } : {};
  const { all, classes, seconds, light } = misses;
  const rounded = Object.entries(classes).map(([name, each]) => [name, estimateBody(each)]);
  return {
    misses: { light, seconds: Math.round(seconds), all: estimateBody(all), classes: Object.fromEntries(rounded) },
  };
}

const estimateBody = ({ missRate, low, high, ...rest }: MissEstimate): MissEstimate => ({
  ...rest,
  missRate: tenThousandth(missRate),
  low: tenThousandth(low),
  high: tenThousandth(high),
});

const tenThousandth = (value: number): number => Math.round(value * 1e4) / 1e4;
const hundredth = (value: number): number => Math.round(value * 100) / 100;
