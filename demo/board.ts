import type { CameraStatusMessage } from '../contract/messages/camera-status.ts';
import type { DetectionsMessage } from '../contract/messages/detections.ts';
import type { MessageOf } from '../contract/messages/kinds.ts';
import type { StateMessage } from '../contract/messages/state.ts';
import type { TelemetryMessage } from '../contract/messages/telemetry.ts';
import { nearestRank } from '../core/statistics.ts';
import { type Counts, CrossingTally } from './counting/crossing-tally.ts';
import { TrueCrossings } from './counting/true-crossings.ts';
import type { CameraReport, RegionAnswer } from './parts/link.ts';
import { Tally } from './tally.ts';

/** What a region shows now. */
export interface RegionNow {
  readonly region: string;
  readonly class: string | null;
  readonly score: number;
  /** Null with a foreign camera or model. */
  readonly truth: RegionAnswer | null;
}

/** An object that is in sight now. */
export interface ObjectNow {
  readonly track: number;
  readonly class: string;
  readonly score: number;
  /** `[x, y, width, height]` in shares of the image. */
  readonly box: readonly number[];
}

/** In which anything passes the lines of the street, in the order of `countingLines`. */
const FLOWS = [
  { line: 'near', direction: 'backward' },
  { line: 'far', direction: 'forward' },
  { line: 'side', direction: 'forward' },
  { line: 'zebra', direction: 'forward' },
  { line: 'zebra', direction: 'backward' },
] as const;

/** Latencies kept for percentiles: of the last quarter of an hour, at 12 frames a second. */
const KEPT_LATENCIES = 10_000;
/** Analysed frames among which that of an event is found: of half a minute. */
const KEPT_LAGS = 400;
/** ms over which frames a second are counted. */
const RATE_WINDOW = 3000;
/** Frames of the camera whose truth is kept: what is on its way is far fewer. */
const KEPT_TRUTHS = 600;

/**
 * ms by which a frame may be said to be got before it is said to be sent: the camera tells when it has been handed over whole, the box
 * judges by the camera's own time. Less than three frames; 5 left four of five frames without their truth.
 */
const SOONER_MS = 200;

interface BoardOptions {
  /** Frames a second of the camera that serves the scene; null when there is no truth to compare with. */
  readonly truthFps: number | null;
  /** Seed of the street on whose lines a detector counts; null where none counts there. */
  readonly countedStreet?: number | null;
}

/** Everything that is known of the run: fed by the camera's reports and by what arrives over MQTT. */
export class Board {
  readonly #truthFps: number | null;
  readonly #truths = new Map<number, { readonly at: number; readonly truth: readonly RegionAnswer[] }>();
  readonly #sessions: { readonly firstFrame: number; readonly at: number }[] = [];
  readonly #tally = new Tally();
  readonly #crossings: { readonly truth: TrueCrossings; readonly tally: CrossingTally } | null;
  readonly #arrivals: number[] = [];
  readonly #latencies: number[] = [];
  readonly #lags: { readonly capturedAt: number; readonly ms: number }[] = [];
  frames = 0;
  regions: readonly RegionNow[] = [];
  /** Null: the model is no detector. */
  objects: readonly ObjectNow[] | null = null;
  state: StateMessage | undefined;
  camera: CameraStatusMessage | undefined;
  telemetry: TelemetryMessage | undefined;
  /** Sequence numbers of detections that never came. */
  lost = 0;
  #lastSeq: number | undefined;

  constructor({ truthFps, countedStreet = null }: BoardOptions) {
    this.#truthFps = truthFps;
    this.#crossings =
      countedStreet === null ? null : { truth: new TrueCrossings(countedStreet), tally: new CrossingTally(FLOWS) };
  }

  report(report: CameraReport): void {
    if (report.type === 'session') this.#sessions.push(report);
    if (report.type !== 'frame') return;
    this.#truths.set(report.index, report);
    this.#truths.delete(report.index - KEPT_TRUTHS);
    for (const each of this.#crossings?.truth.sent(report.index, report.at) ?? [])
      this.#crossings?.tally.happened(each);
  }

  /** An object passed a line. */
  crossing({ at, class: name, line, direction }: MessageOf<'event'>): void {
    if (line === null || direction === null) return;
    const when = Date.parse(at);
    this.#crossings?.tally.counted({ line, direction, class: name, at: when - this.#lagAt(when) });
  }

  /** @param at ms since 1970 at which the message arrived */
  detections(message: DetectionsMessage, at: number): void {
    this.frames++;
    if (this.#lastSeq !== undefined) this.lost += Math.max(0, message.seq - this.#lastSeq - 1);
    this.#lastSeq = message.seq;
    this.#arrivals.push(at);
    const sent = this.#sentFrame(message);
    keep(this.#latencies, sent === undefined ? message.latencyMs.total : at - sent.at);
    if (this.#truthFps !== null && sent === undefined) this.#tally.addUnmatched();
    this.objects = message.objects ?? null;
    if (sent !== undefined) this.#analysed(Date.parse(message.capturedAt), sent.at);
    this.regions = message.regions.map(({ region, classes }, i) => {
      const [best] = classes;
      const truth = sent?.truth[i] ?? null;
      if (truth !== null) this.#tally.add(best?.class ?? 'empty', truth);
      return { region, class: best?.class ?? null, score: best?.score ?? 0, truth };
    });
  }

  /**
   * The frame of the scene that was analysed: the first of its session, plus its time in the stream. Of several sessions (the
   * page has one of its own), it is the one whose frame left the camera at the moment at which the box got it.
   */
  #sentFrame({ capturedAt, frame }: DetectionsMessage) {
    if (this.#truthFps === null || frame.ptsSeconds === null) return undefined;
    const captured = Date.parse(capturedAt);
    const { ptsSeconds } = frame;
    const fps = this.#truthFps;
    return this.#sessions
      .filter(({ at }) => at <= captured + SOONER_MS)
      .map(({ firstFrame }) => this.#truths.get(firstFrame + Math.round(ptsSeconds * fps)))
      .filter((sent) => sent !== undefined && sent.at <= captured + SOONER_MS)
      .reduce((nearest, sent) => (nearest === undefined || (sent?.at ?? 0) > nearest.at ? sent : nearest), undefined);
  }

  #analysed(capturedAt: number, sentAt: number): void {
    this.#crossings?.tally.seen(sentAt, capturedAt);
    this.#lags.push({ capturedAt, ms: capturedAt - sentAt });
    if (this.#lags.length > KEPT_LAGS) this.#lags.shift();
  }

  /** ms from the camera sending what the box got at about `capturedAt` to the box getting it: seconds on a busy machine. */
  #lagAt(capturedAt: number): number {
    const away = (each: { readonly capturedAt: number }): number => Math.abs(each.capturedAt - capturedAt);
    return this.#lags.reduce((best, each) => (away(each) < away(best) ? each : best), { capturedAt: 0, ms: 0 }).ms;
  }

  /** Frames a second that arrived lately, as seen at `at`. */
  fps(at: number): number {
    while (this.#arrivals.length > 0 && this.#arrivals[0]! < at - RATE_WINDOW) this.#arrivals.shift();
    const [first] = this.#arrivals;
    const last = this.#arrivals.at(-1);
    if (first === undefined || last === undefined || last - first < 200) return 0;
    return ((this.#arrivals.length - 1) * 1000) / (last - first);
  }

  /** ms; null before the first frame. */
  latency(share: number): number | null {
    return this.#latencies.length === 0 ? null : nearestRank(this.#latencies, share);
  }

  /** Of a classifier. */
  get accuracy() {
    return this.#truthFps === null || this.#crossings !== null ? null : this.#tally.result();
  }

  /** Of a detector. */
  get counts(): Counts | null {
    return this.#crossings?.tally.result() ?? null;
  }
}

function keep(latencies: number[], ms: number): void {
  latencies.push(ms);
  if (latencies.length > KEPT_LATENCIES) latencies.shift();
}
