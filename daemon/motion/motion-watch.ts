import type { Box, RgbImage } from '../../inference/image.ts';
import { Background } from './background.ts';
import { type Component, Components, type Group, type Region } from './components.ts';
import { Exposure } from './exposure.ts';
import { Foreground } from './foreground.ts';
import { GreyReducer } from './grey-image.ts';
import { grouped } from './grouped.ts';
import { Shift } from './shift.ts';
import { gapsIn } from './split.ts';

/** Something that moves, or is not where it used to be. */
export interface Proposal {
  /** In shares of the image. */
  readonly box: Box;
  /** Share of its box that differs from the street, 0 to 1. */
  readonly filled: number;
}

/** Pixels of the reduced image. */
const LEAST_AREA = 10;
const LEAST_PART = 8;
const LEAST_SIDE = 3;
/** More of the image than traffic covers: the light or the view is another, and what was learned is void. */
const MOST_DIFFERENT = 0.7;
/** For so long, s. */
const DIFFERENT_SECONDS = 2;
/** Before that, what is seen is what happened to be there first. */
const SETTLING_SECONDS = 3;
const POINTS_SECONDS = 2;
/** A box that was there, by this share of the smaller one, in the frames before: a flake or a drop is elsewhere in each. */
const SEEN_BEFORE = 0.2;
const LEAST_FRAMES = 3;
/** By so much the outline has to be clearer in the street learned than in the image. */
const GHOST = 3;
/** A box of which less differs from the street is several specks. */
const LEAST_FILLED = 0.15;
const SWAY_SECONDS = 5;

/**
 * What moves before one camera, from frame to frame: a background on a small grey image, the camera's sway and exposure taken out first.
 * Things that stop are proposed for half a minute more. Memory and time are bounded; nothing large is allocated for a frame.
 */
export class MotionWatch {
  readonly #careful: boolean;
  #from = { width: 0, height: 0 };
  #parts: Parts | undefined;
  #time: number | undefined;
  #pointsAt = 0;
  #differentSince: number | undefined;
  #sway = 0;
  #before: readonly (Region & { readonly frames: number })[] = [];

  /**
   * @param options.careful proposes fewer shadows, and fewer flat things: of what moves on rendered streets 92 to 98% instead of 97 to 99%.
   * @default false
   */
  constructor({ careful = false } = {}) {
    this.#careful = careful;
  }

  /** Mean of the street, 0 to 255; NaN before the first frame. */
  get brightness(): number {
    const mean = this.#parts?.background.mean;
    return mean === undefined ? Number.NaN : mean.reduce((sum, each) => sum + each, 0) / mean.length;
  }

  /** How far the whole image moves from one frame to the next, pixels of the reduced image: the mean of the last few seconds. */
  get sway(): number {
    return this.#sway;
  }

  /** @param time of the frame, s, above that of the frame before */
  update(image: RgbImage, time: number): Proposal[] {
    if (this.#parts === undefined || image.width !== this.#from.width || image.height !== this.#from.height) {
      this.#from = { width: image.width, height: image.height };
      this.#parts = partsFor(image, this.#careful);
      this.#time = undefined;
    }
    const { reducer, grey, steady, background, exposure, shift, difference, foreground, components } = this.#parts;
    reducer.reduce(image, grey);
    const elapsed = this.#time === undefined ? undefined : time - this.#time;
    this.#time = time;
    if (elapsed === undefined) {
      this.#begin(grey);
      return [];
    }
    if (background.seconds >= this.#pointsAt) {
      shift.choose(background.mean);
      this.#pointsAt = background.seconds + POINTS_SECONDS;
    }
    const factor = exposure.factorOf(grey, background.mean);
    const [x, y] = [shift.x, shift.y];
    shift.find(grey, background.mean, factor);
    this.#sway += (Math.hypot(shift.x - x, shift.y - y) - this.#sway) * Math.min(1, elapsed / SWAY_SECONDS);
    shift.apply(grey, factor, steady);
    background.compare(steady, elapsed, difference);
    const share = foreground.find(steady, background.mean, difference);
    if (this.#isOther(share, time)) {
      this.#begin(grey);
      return [];
    }
    const all = components.find(foreground.mask, steady, background.mean);
    const ghosts = new Set([...all].filter(([, each]) => isGhost(each)).map(([number]) => number));
    components.eachRun(ghosts, (from, to) => background.favour(from, to, elapsed));
    for (const [number, { area }] of all) if (area < LEAST_PART || ghosts.has(number)) all.delete(number);
    const found = grouped(all)
      .flatMap((each) => this.#partsOf(each))
      .filter(isThing);
    this.#before = found.map((each) => ({ ...each, frames: 1 + this.#framesOf(each) }));
    if (background.seconds < SETTLING_SECONDS) return [];
    return this.#before.filter(({ frames }) => frames >= LEAST_FRAMES).map((each) => this.#proposalOf(each, shift));
  }

  /** A group, or what it falls into side by side. */
  #partsOf(group: Group): Region[] {
    const { components, profile } = this.#parts!;
    const columns = group.right - group.left;
    profile.fill(0, 0, columns);
    components.profileOf(group, profile);
    const gaps = gapsIn(profile, columns).map((at) => group.left + at);
    if (gaps.length === 0) return [group];
    const from = [group.left, ...gaps];
    return from.map((left, i) => components.partOf(group, left, gaps[i] ?? group.right));
  }

  /** In how many frames before this one it was there. */
  #framesOf(region: Region): number {
    return this.#before.reduce(
      (most, other) => (other.frames > most && overlap(region, other) >= SEEN_BEFORE ? other.frames : most),
      0,
    );
  }

  #begin(grey: Float32Array): void {
    this.#parts?.background.begin(grey);
    this.#pointsAt = 0;
    this.#differentSince = undefined;
    this.#before = [];
  }

  #isOther(share: number, time: number): boolean {
    if (share < MOST_DIFFERENT) this.#differentSince = undefined;
    else this.#differentSince ??= time;
    return this.#differentSince !== undefined && time - this.#differentSince >= DIFFERENT_SECONDS;
  }

  /** Where it is in the image as it came, swayed. */
  #proposalOf({ left, top, right, bottom, area }: Region, { x, y }: Shift): Proposal {
    const { width, height } = this.#parts!.reducer.size;
    const [from, until] = [Math.max(0, (left + x) / width), Math.min(1, (right + x) / width)];
    const [above, below] = [Math.max(0, (top + y) / height), Math.min(1, (bottom + y) / height)];
    return { box: [from, above, until - from, below - above], filled: area / ((right - left) * (bottom - top)) };
  }
}

type Parts = ReturnType<typeof partsFor>;

function partsFor(image: RgbImage, careful: boolean) {
  const reducer = new GreyReducer(image);
  const { size } = reducer;
  const pixels = size.width * size.height;
  return {
    reducer,
    grey: new Float32Array(pixels),
    steady: new Float32Array(pixels),
    difference: new Float32Array(pixels),
    background: new Background(size),
    exposure: new Exposure(),
    shift: new Shift(size),
    foreground: new Foreground(size, careful),
    components: new Components(size),
    profile: new Int32Array(size.width),
  };
}

/** What left shows the street where it was: its outline is in what was learned, not in the image. */
const isGhost = ({ edges, streetEdges, top, bottom }: Component): boolean =>
  bottom - top >= LEAST_SIDE && streetEdges > GHOST * edges;

const isThing = ({ left, top, right, bottom, area }: Region): boolean =>
  area >= LEAST_AREA &&
  right - left >= LEAST_SIDE &&
  bottom - top >= LEAST_SIDE &&
  area >= LEAST_FILLED * (right - left) * (bottom - top);

/** Share of the smaller one that both cover. */
function overlap(a: Region, b: Region): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const areaOf = ({ left, top, right, bottom }: Region): number => (right - left) * (bottom - top);
  return (width * height) / Math.min(areaOf(a), areaOf(b));
}
