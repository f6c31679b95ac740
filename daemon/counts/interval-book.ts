import type { Span } from './coverage.ts';
import { type Flow, FlowTally, type Passed } from './flow-tally.ts';

/** One even wall-clock interval. */
export interface ClosedInterval {
  /** ms since the epoch, a multiple of the length. */
  readonly from: number;
  readonly to: number;
  /** 0: as first told; later ones correct it. */
  readonly revision: number;
  /** Share of it that was really seen, 0 to 1. */
  readonly coverage: number;
  readonly flows: readonly Flow[];
  /** Shares of the time seen in which at least one object was in each zone, by zone. */
  readonly occupied: Readonly<Record<string, number>>;
  /** Everything that spoke, in the order in which it first did: digests of models. */
  readonly models: readonly string[];
  /** Passed before it was told and counted nowhere: the clock stepped back into what had been told, or on over too much to tell. */
  readonly uncounted: number;
}

interface OpenInterval {
  readonly from: number;
  /** In order, apart from each other. */
  spans: Span[];
  readonly tally: FlowTally;
  readonly occupiedMs: Map<string, number>;
  readonly models: Set<string>;
  uncounted: number;
  revision: number;
  changed: boolean;
}

interface BookOptions {
  readonly lengthMs: number;
  /** Lines and zones that are counted at. */
  readonly lines: readonly string[];
  readonly zones: readonly string[];
}

/** An object is believed after its third frame: what crossed at the end of an interval may be told a little later, ms. */
const GRACE_MS = 3000;
/** What is known later still corrects intervals that ended no longer ago than so many. */
const KEPT = 2;
/** Intervals of a gap are told one by one, not seen, up to so many: a clock that was set from 1970 made no such gap. */
const MOST_MISSING = 1440;

/**
 * Counts of one camera by intervals of one length, on even times of the wall clock: told once when they are over, corrected by revisions.
 *
 * An interval that is begun late, or in which the box was away, is told as what it is: its coverage is the share that was seen. Of what was
 * not seen at all no count is told. A clock that steps back into intervals that were told counts nothing there twice.
 */
export class IntervalBook {
  readonly #options: BookOptions;
  readonly #open = new Map<number, OpenInterval>();
  readonly #told: OpenInterval[] = [];
  /** Where what is not told yet begins. */
  #next: number | undefined;
  /** The latest moment that was spoken of. */
  #clock = Number.NEGATIVE_INFINITY;
  #uncounted = 0;

  constructor(options: BookOptions) {
    this.#options = options;
  }

  /** The interval in which a moment lies begins here. */
  #startOf(at: number): number {
    return Math.floor(at / this.#options.lengthMs) * this.#options.lengthMs;
  }

  /** From now on time passes, seen or not. To be called at the start, and again with every tick through {@link close}. */
  begin(now: number): void {
    this.#next ??= this.#startOf(now);
  }

  /** A span was seen, by a model, with these zones occupied. */
  saw({ from, to }: Span, model: string, occupied: readonly string[]): void {
    this.#clock = to;
    for (let start = this.#startOf(from); start < to; start += this.#options.lengthMs) {
      const interval = this.#at(start);
      if (interval === undefined) continue;
      interval.models.add(model);
      const last = interval.spans.at(-1);
      // A clock that steps back within the interval shows no part of it twice.
      const part = { from: Math.max(from, start, last?.to ?? start), to: Math.min(to, start + this.#options.lengthMs) };
      const ms = part.to - part.from;
      if (ms <= 0) continue;
      if (last?.to === part.from) interval.spans[interval.spans.length - 1] = { from: last.from, to: part.to };
      else interval.spans.push(part);
      interval.changed = true;
      for (const zone of occupied) interval.occupiedMs.set(zone, (interval.occupiedMs.get(zone) ?? 0) + ms);
    }
  }

  /** What was held to be seen was not: the picture had stopped, and that takes a while to be noticed. */
  unsaw({ from, to }: Span): void {
    for (const interval of [...this.#told, ...this.#open.values()]) {
      const before = seenMs(interval.spans);
      interval.spans = interval.spans.flatMap((span) =>
        [
          { from: span.from, to: Math.min(span.to, from) },
          { from: Math.max(span.from, to), to: span.to },
        ].filter((part) => part.to > part.from),
      );
      if (seenMs(interval.spans) !== before) interval.changed = true;
    }
  }

  /** Something passed a line at a moment. */
  passed(what: Passed, at: number): void {
    const start = this.#startOf(at);
    const interval = this.#at(start) ?? this.#correctable(start);
    if (interval === undefined) {
      this.#uncounted++;
      return;
    }
    interval.tally.add(what, at);
    interval.changed = true;
  }

  /** Intervals that are over, in order, and corrections of those told before. @param now ms since the epoch */
  close(now: number): ClosedInterval[] {
    this.begin(now);
    this.#clock = now;
    const { lengthMs } = this.#options;
    const closed: ClosedInterval[] = [];
    const end = this.#startOf(now - GRACE_MS);
    const next = this.#next ?? end;
    if ((end - next) / lengthMs > MOST_MISSING) this.#next = end;
    for (let from = this.#next ?? end; from < end; from += lengthMs) {
      const interval = this.#at(from) ?? this.#make(from);
      interval.uncounted = this.#uncounted;
      this.#uncounted = 0;
      interval.changed = false;
      closed.push(this.#closedOf(interval));
      this.#open.delete(from);
      this.#told.push(interval);
      if (this.#told.length > KEPT) this.#told.shift();
      this.#next = from + lengthMs;
    }
    // After a gap too long to be told, what was open before it is over as well.
    for (const [from, { tally }] of this.#open) {
      if (from >= (this.#next ?? end)) continue;
      this.#open.delete(from);
      this.#uncounted += tally.total;
    }
    for (const interval of this.#told.filter(({ changed }) => changed)) {
      interval.changed = false;
      interval.revision++;
      closed.push(this.#closedOf(interval));
    }
    return closed;
  }

  /** The interval that begins here, where it is not told yet. */
  #at(from: number): OpenInterval | undefined {
    if (this.#next !== undefined && from < this.#next) return undefined;
    const open = this.#open.get(from);
    if (open !== undefined) return open;
    const made = this.#make(from);
    this.#open.set(from, made);
    return made;
  }

  /** One that was told a moment ago and can be corrected: what passed is known late, and the clock made no step back. */
  #correctable(from: number): OpenInterval | undefined {
    const stepped = this.#next !== undefined && this.#clock < this.#next;
    return stepped ? undefined : this.#told.find((each) => each.from === from);
  }

  #make(from: number): OpenInterval {
    const { lines } = this.#options;
    return {
      from,
      spans: [],
      tally: new FlowTally(lines),
      occupiedMs: new Map(),
      models: new Set(),
      uncounted: 0,
      revision: 0,
      changed: false,
    };
  }

  #closedOf(interval: OpenInterval): ClosedInterval {
    const { from, spans, tally, occupiedMs, models, uncounted, revision } = interval;
    const seen = seenMs(spans);
    const { lengthMs, zones } = this.#options;
    const occupied = zones.map((zone): [string, number] => [
      zone,
      seen === 0 ? 0 : Math.min(1, (occupiedMs.get(zone) ?? 0) / seen),
    ]);
    return {
      from,
      to: from + lengthMs,
      revision,
      coverage: Math.min(1, seen / lengthMs),
      flows: seen === 0 ? [] : tally.flows(),
      occupied: seen === 0 ? {} : Object.fromEntries(occupied),
      models: [...models],
      uncounted,
    };
  }
}

const seenMs = (spans: readonly Span[]): number => spans.reduce((sum, { from, to }) => sum + to - from, 0);
