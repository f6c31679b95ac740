import type { Direction } from '../../daemon/vision/line-counter.ts';

/** Something passed a line, truly or as it was counted. */
export interface Passing {
  readonly line: string;
  readonly direction: Direction;
  readonly class: string;
  /** ms since 1970. */
  readonly at: number;
}

/** Counts of one line and direction, or of all, beside the truth. */
interface Counted {
  readonly counted: number;
  readonly truth: number;
  /** Truly passed, and nothing was counted within a second. */
  readonly missed: number;
  /** Counted, and nothing truly passed within a second. */
  readonly false: number;
  /** Found, in another class. */
  readonly otherClass: number;
}

export interface FlowCounts extends Counted {
  readonly line: string;
  readonly direction: Direction;
}

export interface Counts extends Counted {
  readonly flows: readonly FlowCounts[];
  /** What truly passed so lately that its count may still be on its way; in none of the figures. */
  readonly undecided: number;
  /** What truly passed while no frame was analysed for over a second, or in the two seconds after; in none of the figures. */
  readonly unseen: number;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The rule of `wayside count --truth`. */
const TOLERANCE_MS = 1000;
/** An object is believed when it was seen three times: what passes in the first seconds cannot be told. */
const SETTLING_MS = 2000;
/** Events are committed once a second, and the second of the tolerance has to be over. */
const ON_ITS_WAY_MS = 2500;
/** Frames further apart leave a gap in which nothing was seen: the daemon's own rule for coverage. */
const GAP_MS = 1000;

interface Flow {
  readonly line: string;
  readonly direction: Direction;
  readonly truth: Passing[];
  readonly counted: Passing[];
}

/** Sets crossings that are counted beside those that happened: any number of either, in any order. */
export class CrossingTally {
  readonly #flows = new Map<string, Flow>();
  readonly #gaps: Span[] = [];
  #begins: number | undefined;
  #last: { readonly at: number; readonly gotAt: number } | undefined;

  /** @param lines in the order in which they are shown, with the directions in which anything may pass */
  constructor(flows: readonly { readonly line: string; readonly direction: Direction }[]) {
    for (const { line, direction } of flows) this.#flow(line, direction);
  }

  /**
   * A frame was analysed.
   *
   * @param at ms since 1970 at which the camera sent it; all other times are those of frames too
   * @param gotAt ms since 1970 at which the box got it
   */
  seen(at: number, gotAt: number): void {
    this.#begins ??= at + SETTLING_MS;
    const last = this.#last;
    if (last !== undefined && gotAt - last.gotAt > GAP_MS) this.#gaps.push({ from: last.at, to: at + SETTLING_MS });
    this.#last = { at, gotAt };
  }

  happened(passing: Passing): void {
    this.#flow(passing.line, passing.direction).truth.push(passing);
  }

  counted(passing: Passing): void {
    this.#flow(passing.line, passing.direction).counted.push(passing);
  }

  result(): Counts {
    const from = this.#begins ?? Number.POSITIVE_INFINITY;
    const to = (this.#last?.at ?? 0) - ON_ITS_WAY_MS;
    const inGap = ({ at }: Passing): boolean => this.#gaps.some((gap) => at >= gap.from && at <= gap.to);
    const isTold = (each: Passing): boolean => each.at >= from && each.at <= to && !inGap(each);
    const flows = [...this.#flows.values()].map((flow) => countsOf(flow, isTold));
    const sum = (key: keyof Counted): number => flows.reduce((total, each) => total + each[key], 0);
    const truth = [...this.#flows.values()].flatMap((flow) => flow.truth).filter(({ at }) => at >= from);
    return {
      counted: sum('counted'),
      truth: sum('truth'),
      missed: sum('missed'),
      false: sum('false'),
      otherClass: sum('otherClass'),
      flows,
      undecided: truth.filter((each) => each.at > to && !inGap(each)).length,
      unseen: truth.filter(inGap).length,
    };
  }

  #flow(line: string, direction: Direction): Flow {
    const key = `${line} ${direction}`;
    const flow = this.#flows.get(key) ?? { line, direction, truth: [], counted: [] };
    this.#flows.set(key, flow);
    return flow;
  }
}

/**
 * Pairs in the order of time, the earlier of two that are too far apart left alone: as many pairs as there can be, since all
 * may be apart by the same. A pair with what truly passed outside of what is told is in no figure.
 */
function countsOf({ line, direction, truth, counted }: Flow, isTold: (passing: Passing) => boolean): FlowCounts {
  const happened = truth.toSorted((a, b) => a.at - b.at);
  const found = counted.toSorted((a, b) => a.at - b.at);
  const figures = { counted: 0, truth: happened.filter(isTold).length, missed: 0, false: 0, otherClass: 0 };
  let [i, j] = [0, 0];
  while (i < happened.length || j < found.length) {
    const [own, seen] = [happened[i], found[j]];
    if (own !== undefined && seen !== undefined && Math.abs(own.at - seen.at) <= TOLERANCE_MS) {
      if (isTold(own)) {
        figures.counted++;
        if (own.class !== seen.class) figures.otherClass++;
      }
      i++;
      j++;
    } else if (seen === undefined || (own !== undefined && own.at < seen.at)) {
      if (own !== undefined && isTold(own)) figures.missed++;
      i++;
    } else {
      if (isTold(seen)) {
        figures.counted++;
        figures.false++;
      }
      j++;
    }
  }
  return { line, direction, ...figures };
}
