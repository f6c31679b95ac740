import type { Grid } from './grid.ts';

/**
 * Without a new image for so long and over so many keyframes. The rate control of an encoder takes up to 22 s to settle on a picture that
 * stopped, in which it codes it anew (x264 at one keyframe a second): the rest has to fit into 30 s.
 */
const EVIDENCE = [
  { stoodMs: 8000, keyframes: 4 },
  { stoodMs: 20_000, keyframes: 2 },
  // Where a decoder does not tell of keyframes, or the camera sends none.
  { stoodMs: 120_000, keyframes: 0 },
] as const;
/** Frames a second that are enough to judge by. */
const FEWEST_LOOKS = 4;
/** A frozen picture is coded in a few ways, in turn: keyframe, refinements. More are another picture. */
const MOST_VARIANTS = 8;
/** Differences within the variants of one picture, mean over all points, of 255. */
const LARGEST_DIFFERENCE = 2;

/**
 * Whether a picture has stopped.
 *
 * Between two keyframes an encoder may say `as before` for as long as it likes, and at a low bitrate it does so for a quiet street at
 * night: frames repeat bit for bit, and nothing can be concluded. A keyframe codes the sensor's noise of its own moment, and no sensor
 * gives the same twice. So a picture is frozen when keyframes brought nothing that was not there before. What is there may be
 * several images in turn, since the same picture is coded in several ways (a keyframe, then its refinements); a clip that runs in a loop has
 * too many of them, and they differ too much.
 */
export class FrozenCheck {
  #reference: Grid | undefined;
  #variants = new Set<number>();
  #changedAt = Number.NaN;
  #keyframes = 0;
  #looks = 0;

  /** When something new was last seen, ms. */
  get since(): number {
    return this.#changedAt;
  }

  keyframe(): void {
    this.#keyframes++;
  }

  /** @returns whether the picture is frozen, as of this image */
  add(at: number, grid: Grid): boolean {
    const known = this.#variants.has(grid.digest);
    if (!known) this.#changed(at, grid);
    this.#looks++;
    const stood = at - this.#changedAt;
    if (this.#looks < FEWEST_LOOKS) return false;
    return EVIDENCE.some(({ stoodMs, keyframes }) => stood >= stoodMs && this.#keyframes >= keyframes);
  }

  #changed(at: number, grid: Grid): void {
    const another =
      this.#reference === undefined ||
      this.#variants.size >= MOST_VARIANTS ||
      difference(this.#reference.luma, grid.luma) > LARGEST_DIFFERENCE;
    if (another) {
      this.#reference = grid;
      this.#variants = new Set();
    }
    this.#variants.add(grid.digest);
    this.#changedAt = at;
    this.#keyframes = 0;
    this.#looks = 0;
  }
}

function difference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}
