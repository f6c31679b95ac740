import { median } from '../../../core/statistics.ts';
import type { Grid, Image } from './grid.ts';
import { type Steepness, steepnessOf } from './steepness.ts';

/** The camera's own past is forgotten so slowly, ms: dusk goes along with it, a lens that loses its focus within minutes does not. */
const MEMORY_MS = 30 * 60_000;
/** Time between two looks that counts as seen, ms. */
const LONGEST_STEP_MS = 2000;
/** Shortest past that something is compared with, looks. */
const SHORTEST_PAST = 10;
/** A piece of the image holds a standing edge where it did in so many of the looks. */
const STANDING = 0.6;
/**
 * Fewer standing edges say nothing of the lens. With half as many, 40 s of a small image at night, coded coarsely, had spells in which too many of them
 * were lost to the coding.
 */
const FEWEST_STANDING = 60;
/** Of them, to compare by their steepness. */
const FEWEST_EDGES = 24;

/** Edges that are left, as a share of what stood there: with fewer, those that are left may be others, as the halo of a lamp. */
const LEFT = 0.5;
/** Below it, they are gone. */
const GONE = 0.3;
/** Of usual. A lens takes no light away: where it is another, night fell or a lamp went on, and other edges are there. */
const SAME_LIGHT = 0.6;
/** Of usual: what fog would have taken along with the edges. */
const SAME_CONTRAST = 0.7;

/** Edges less steep than this beside their past: a blur (sigma) of 1.5 pixels on an edge as a good lens and a decoder's scaling leave it. */
const SOFT = 0.65;
/** And steep again from here on. */
const SHARP = 0.75;

/**
 * Whether a lens lost its focus: each edge that stands is compared with itself, as steep as it used to be. What drives through, and how much of it,
 * changes nothing.
 *
 * A lens so far out of focus that no edge is left is known by the light and the large shapes, which it leaves: fog and night take these first.
 */
export class BlurredCheck {
  #size = '';
  #share = new Float32Array(0);
  #step = new Float32Array(0);
  #presence = new Float32Array(0);
  #light = { mean: 0, contrast: 0 };
  #looks = 0;
  #at = Number.NEGATIVE_INFINITY;
  #soft = false;

  /** Forgets the past. */
  reset(): void {
    this.#size = '';
    this.#soft = false;
  }

  /** @returns whether the image is soft beside its past */
  add(at: number, image: Image, grid: Grid): boolean {
    const now = steepnessOf(image);
    const light = lightOf(grid);
    this.#fit(`${image.width}x${image.height}`, now.step.length);
    const relative = this.#looks < SHORTEST_PAST ? undefined : this.#compare(now, light);
    if (relative !== undefined) this.#soft = relative < (this.#soft ? SHARP : SOFT);
    if (!this.#soft) this.#remember(at, now, light);
    return this.#soft;
  }

  #fit(size: string, pieces: number): void {
    if (size === this.#size) return;
    this.#size = size;
    this.#looks = 0;
    this.#soft = false;
    this.#share = new Float32Array(pieces);
    this.#step = new Float32Array(pieces);
    this.#presence = new Float32Array(pieces);
  }

  /** Steepness beside the past: 1 as always; undefined where it cannot be said. */
  #compare(
    { share, step }: Steepness,
    light: { readonly mean: number; readonly contrast: number },
  ): number | undefined {
    const shares: number[] = [];
    let [left, all, standing] = [0, 0, 0];
    for (let i = 0; i < step.length; i++) {
      if (this.#presence[i]! < STANDING) continue;
      standing++;
      all += this.#step[i]!;
      if (step[i]! === 0) continue;
      left += this.#step[i]!;
      shares.push(share[i]! / this.#share[i]!);
    }
    const lit = light.mean >= SAME_LIGHT * this.#light.mean && light.mean <= this.#light.mean / SAME_LIGHT;
    if (standing < FEWEST_STANDING || !lit) return undefined;
    if (left >= LEFT * all) return shares.length < FEWEST_EDGES ? undefined : median(shares);
    return left < GONE * all && light.contrast >= SAME_CONTRAST * this.#light.contrast ? left / all : undefined;
  }

  #remember(at: number, { share, step }: Steepness, light: { readonly mean: number; readonly contrast: number }): void {
    const elapsed = Math.min(LONGEST_STEP_MS, at - this.#at);
    this.#at = at;
    this.#looks++;
    const weight = Math.max(1 / this.#looks, 1 - Math.exp(-elapsed / MEMORY_MS));
    this.#light = {
      mean: this.#light.mean + weight * (light.mean - this.#light.mean),
      contrast: this.#light.contrast + weight * (light.contrast - this.#light.contrast),
    };
    for (let i = 0; i < step.length; i++) {
      const there = step[i]! > 0;
      this.#presence[i]! += weight * (Number(there) - this.#presence[i]!);
      if (!there) continue;
      const own = Math.min(1, weight / this.#presence[i]!); // a mean over the looks in which it was there
      this.#share[i]! += own * (share[i]! - this.#share[i]!);
      this.#step[i]! += own * (step[i]! - this.#step[i]!);
    }
  }
}

/** Mean, and standard deviation, of 255. */
function lightOf({ luma }: Grid): { readonly mean: number; readonly contrast: number } {
  let [sum, square] = [0, 0];
  for (const value of luma) {
    sum += value;
    square += value * value;
  }
  const mean = sum / luma.length;
  return { mean, contrast: Math.sqrt(Math.max(0, square / luma.length - mean * mean)) };
}
