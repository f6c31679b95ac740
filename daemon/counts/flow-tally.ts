import type { Direction } from '../vision/line-counter.ts';

/** An object that passed a line. */
export interface Passed {
  readonly line: string;
  readonly direction: Direction;
  readonly lane: string | null;
  readonly class: string;
  /** m/s; undefined where it was not measured. */
  readonly speed?: number | undefined;
}

/** What passed one line in one direction, in one lane where the line has lanes. */
export interface Flow {
  readonly line: string;
  readonly direction: Direction;
  readonly lane: string | null;
  readonly count: number;
  /** Classes that passed; one that is not listed did not. */
  readonly classes: Readonly<Record<string, number>>;
  /** Of those whose speed was measured; null where none was. */
  readonly speed: FlowSpeed | null;
  /** Mean time between one and the next, s; null for fewer than two. */
  readonly headwaySeconds: number | null;
}

interface FlowSpeed {
  readonly measured: number;
  /** m/s. */
  readonly mean: number;
  /** 85 in 100 are not faster, m/s. */
  readonly v85: number;
  /** How many in each 10 km/h, from 0 on. */
  readonly histogram: readonly number[];
}

interface Tally {
  readonly line: string;
  readonly direction: Direction;
  readonly lane: string | null;
  readonly classes: Map<string, number>;
  readonly speeds: number[];
  readonly times: number[];
}

const BIN = 10 / 3.6;

/** Counts by line, direction and lane. Every line is listed in both directions: nothing passed is a count too. */
export class FlowTally {
  readonly #tallies = new Map<string, Tally>();

  constructor(lines: readonly string[]) {
    for (const line of lines)
      for (const direction of ['forward', 'backward'] as const) this.#of({ line, direction, lane: null });
  }

  add({ line, direction, lane, class: name, speed }: Passed, at: number): void {
    for (const each of lane === null ? [null] : [null, lane]) {
      const tally = this.#of({ line, direction, lane: each });
      tally.classes.set(name, (tally.classes.get(name) ?? 0) + 1);
      tally.times.push(at);
      if (speed !== undefined) tally.speeds.push(speed);
    }
  }

  /** Everything that passed, each once. */
  get total(): number {
    return [...this.#tallies.values()].reduce((sum, { lane, times }) => sum + (lane === null ? times.length : 0), 0);
  }

  flows(): Flow[] {
    return [...this.#tallies.values()].map(({ line, direction, lane, classes, speeds, times }) => ({
      line,
      direction,
      lane,
      count: times.length,
      classes: Object.fromEntries(classes),
      speed: speedOf(speeds),
      headwaySeconds: times.length < 2 ? null : (Math.max(...times) - Math.min(...times)) / (times.length - 1) / 1000,
    }));
  }

  #of(key: Pick<Tally, 'line' | 'direction' | 'lane'>): Tally {
    const name = JSON.stringify([key.line, key.direction, key.lane]);
    const known = this.#tallies.get(name);
    if (known !== undefined) return known;
    const made: Tally = { ...key, classes: new Map(), speeds: [], times: [] };
    this.#tallies.set(name, made);
    return made;
  }
}

function speedOf(speeds: readonly number[]): FlowSpeed | null {
  if (speeds.length === 0) return null;
  const sorted = speeds.toSorted((a, b) => a - b);
  const histogram: number[] = [];
  for (const speed of sorted) {
    const bin = Math.floor(speed / BIN);
    while (histogram.length <= bin) histogram.push(0);
    histogram[bin]!++;
  }
  return {
    measured: sorted.length,
    mean: sorted.reduce((sum, speed) => sum + speed, 0) / sorted.length,
    v85: sorted[Math.ceil(0.85 * sorted.length) - 1]!,
    histogram,
  };
}
