import { median } from '../../core/statistics.ts';
import type { Box } from '../../inference/image.ts';
import { assign } from '../vision/assignment.ts';
import type { Crossing } from '../vision/line-counter.ts';
import { auditMisses, type MissAudit, type SecondCapture } from './capture-recapture.ts';
import type { MotionCrossing } from './motion-counter.ts';

/** What the model counted. */
export interface CountedCrossing extends Pick<Crossing, 'line' | 'direction' | 'time' | 'along'> {
  readonly class: string;
}

/** How the images were lit while it was looked. */
type Light = 'bright' | 'dark';

export interface MissEstimate extends MissAudit {
  /** Crossings that the model counted, and those found by motion, from which it comes. */
  readonly counted: number;
  readonly captured: number;
}

export interface Misses {
  readonly light: Light;
  /** From the first crossing that it comes from to now, s. */
  readonly seconds: number;
  readonly all: MissEstimate;
  /** By class, where there are enough; what was missed has the class that its size is most like. */
  readonly classes: Readonly<Record<string, MissEstimate>>;
}

/** What the two ways see of one crossing is apart by so much at most, s: boxes with a shadow, or without the roof, pass the line at another moment. */
const TOLERANCE_SECONDS = 1.5;
/** Two captures so near to each other may be parts of one. */
const SAME_SECONDS = 1;
/** More of what is counted has a neighbour so near: of those who cross together, one missed is not found. */
const MOST_CROWDED = 0.1;
/** When both are known of: an object is believed after its third frame, and tells its crossing once it is beyond the line. */
const SETTLED_SECONDS = 5;
/** A day, and as many captures as narrow an interval to a point. */
const KEPT_SECONDS = 86_400;
const KEPT_CAPTURES = 5000;
/** Sizes of a class at a line by which what was missed is named. */
const FEWEST_SIZES = 3;
const KEPT_SIZES = 50;
const FEWEST_CAPTURES = 10;
/** Of 255: below it the street is dark, and what motion finds are lamps and what they shine on. */
const DARK = 55;

/**
 * Of what motion finds, about so much has not crossed: 1.4% on validation streets, 3.6% on those of the benchmark `miss-audit`, from which it is taken, and
 * 9% there in snow. Beside a model that misses less, that is all there is to find.
 */
const FALSE_CAPTURES = 0.04;

/** Share of what moves that an object of the model covers: there it did not overlook it. */
const KNOWN = 0.2;

type Size = MotionCrossing['size'];

/** What both ways say of a frame. */
interface Audited {
  readonly counted: readonly CountedCrossing[];
  readonly boxes: readonly Box[];
  readonly found: readonly MotionCrossing[];
}

interface Captured extends SecondCapture {
  readonly time: number;
  readonly light: Light;
  /** Undefined where nothing says. */
  readonly class: string | undefined;
}

interface Found extends MotionCrossing {
  /** The model has an object there, whether it counted it or not. */
  readonly known: boolean;
}

interface Kept {
  readonly time: number;
  readonly light: Light;
  readonly class: string;
  /** Another one passed there with it. */
  readonly crowded: boolean;
}

/** Sets what motion found beside what the model counted, and tells what share the model misses: over the last day, in the light of now. */
export class MissWatch {
  #counted: { readonly crossing: CountedCrossing; paired: boolean; crowded: boolean }[] = [];
  #found: Found[] = [];
  #kept: Kept[] = [];
  #captured: Captured[] = [];
  /** Sizes of what both saw, by place and class. */
  readonly #sizes = new Map<string, Map<string, Size[]>>();
  /** When something was captured last, by place. */
  readonly #last = new Map<string, number>();
  #light: Light = 'bright';
  #time = 0;

  /**
   * One frame.
   *
   * @param brightness of the street, 0 to 255
   * @param boxes of all that the model sees in it, believed or not
   */
  add(time: number, brightness: number, { counted, boxes, found }: Audited): void {
    this.#time = time;
    this.#light = brightness < DARK ? 'dark' : 'bright';
    for (const crossing of counted) {
      const near = this.#counted.filter((each) => isNear(each.crossing, crossing, SAME_SECONDS));
      for (const each of near) each.crowded = true;
      this.#counted.push({ crossing, paired: false, crowded: near.length > 0 });
    }
    for (const each of found)
      this.#found.push({ ...each, known: boxes.some((box) => coverage(each.box, box) >= KNOWN) });
    this.#settle(time - SETTLED_SECONDS);
    const since = time - KEPT_SECONDS;
    while (this.#kept.length > KEPT_CAPTURES || (this.#kept[0]?.time ?? time) < since) this.#kept.shift();
    while (this.#captured.length > KEPT_CAPTURES || (this.#captured[0]?.time ?? time) < since) this.#captured.shift();
  }

  /** The video is over: all that is to be known is known. */
  end(): void {
    this.#settle(Number.POSITIVE_INFINITY);
  }

  /** @returns null while nothing was found by motion */
  misses(): Misses | null {
    const light = this.#light;
    const kept = this.#kept.filter((each) => each.light === light);
    const captured = this.#captured.filter((each) => each.light === light);
    const all = estimateOf(kept, captured, light);
    if (all === null) return null;
    const classes = [...new Set(kept.map((each) => each.class))].flatMap((name) => {
      const own = captured.filter((each) => each.class === name);
      const counted = kept.filter((each) => each.class === name);
      const estimate = own.length < FEWEST_CAPTURES ? null : estimateOf(counted, own, light);
      return estimate === null ? [] : [[name, estimate] as const];
    });
    const since = Math.min(kept[0]?.time ?? this.#time, captured[0]?.time ?? this.#time);
    return { light, seconds: Math.max(0, this.#time - since), all, classes: Object.fromEntries(classes) };
  }

  /** Pairs what passed before `until`. */
  #settle(until: number): void {
    const due = this.#found.filter(({ time }) => time <= until).sort((a, b) => a.time - b.time);
    if (due.length > 0) {
      this.#found = this.#found.filter(({ time }) => time > until);
      const paired = this.#pair(due);
      for (const each of due) this.#capture(each, paired.get(each), [...paired.keys()]);
    }
    // A capture to come may still belong to the others.
    const isOver = (time: number): boolean => time <= until - TOLERANCE_SECONDS;
    for (const { crossing, crowded } of this.#counted)
      if (isOver(crossing.time))
        this.#kept.push({ time: crossing.time, light: this.#light, class: crossing.class, crowded });
    this.#counted = this.#counted.filter(({ crossing }) => !isOver(crossing.time));
  }

  #pair(due: readonly Found[]): Map<Found, CountedCrossing> {
    const open = this.#counted.filter(({ paired }) => !paired);
    const costs = due.map((each) =>
      open.map(({ crossing }) =>
        isNear(each, crossing, TOLERANCE_SECONDS) ? Math.abs(each.time - crossing.time) : Number.POSITIVE_INFINITY,
      ),
    );
    const pairs = new Map<Found, CountedCrossing>();
    for (const [row, column] of assign(costs).entries()) {
      const [each, counted] = [due[row], open[column]];
      if (each === undefined || counted === undefined) continue;
      counted.paired = true;
      pairs.set(each, counted.crossing);
    }
    return pairs;
  }

  #capture(found: Found, counted: CountedCrossing | undefined, paired: readonly Found[]): void {
    const place = placeOf(found);
    const last = this.#last.get(place) ?? Number.NEGATIVE_INFINITY;
    // A part of what was captured already, or of what both saw a moment later.
    const isPart =
      found.time - last < SAME_SECONDS || paired.some((each) => each !== found && isNear(each, found, SAME_SECONDS));
    if (counted === undefined && isPart) return;
    this.#last.set(place, Math.max(last, found.time));
    if (counted !== undefined) this.#learn(place, counted.class, found.size);
    this.#captured.push({
      time: found.time,
      light: this.#light,
      class: counted?.class ?? this.#likeliest(place, found.size),
      counted: counted !== undefined || found.known,
      strength: found.size[0] * found.size[1],
    });
  }

  #learn(place: string, name: string, size: Size): void {
    const classes = this.#sizes.get(place) ?? new Map<string, Size[]>();
    this.#sizes.set(place, classes.set(name, [...(classes.get(name) ?? []), size].slice(-KEPT_SIZES)));
  }

  /** The class whose usual size at this place is nearest. */
  #likeliest(place: string, [width, height]: Size): string | undefined {
    let [best, least] = [undefined as string | undefined, Number.POSITIVE_INFINITY];
    for (const [name, sizes] of this.#sizes.get(place) ?? []) {
      if (sizes.length < FEWEST_SIZES) continue;
      const away = Math.hypot(
        Math.log(width / median(sizes.map((size) => size[0]))),
        Math.log(height / median(sizes.map((size) => size[1]))),
      );
      if (away < least) [best, least] = [name, away];
    }
    return best;
  }
}

type Passage = Pick<Crossing, 'line' | 'direction' | 'time'>;

const placeOf = ({ line, direction }: Passage): string => JSON.stringify([line, direction]);

const isNear = (a: Passage, b: Passage, seconds: number): boolean =>
  a.line === b.line && a.direction === b.direction && Math.abs(a.time - b.time) <= seconds;

/** Share of the first box that the second covers. */
function coverage([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): number {
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  return width <= 0 || height <= 0 ? 0 : (width * height) / (aw * ah);
}

function estimateOf(kept: readonly Kept[], captured: readonly Captured[], light: Light): MissEstimate | null {
  // What the model sees and counts elsewhere is not overlooked.
  const seen = captured.filter((each) => each.counted).length;
  const audit = auditMisses(Math.max(kept.length, seen), captured);
  if (audit === null) return null;
  const crowded = kept.filter((each) => each.crowded).length;
  const dependent = light === 'dark' || crowded > MOST_CROWDED * kept.length;
  return {
    ...audit,
    low: Math.max(0, audit.low - FALSE_CAPTURES),
    bound: dependent ? 'lower' : audit.bound,
    counted: kept.length,
    captured: captured.length,
  };
}
