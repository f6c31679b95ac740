import { countingLines, sceneCrossings } from '../scene/crossings.ts';
import { createLens } from '../scene/lens.ts';
import { FPS } from '../scene/street.ts';
import type { Passing } from './crossing-tally.ts';

/** Frames whose times are remembered: two of the seconds in which crossings are looked for. */
const KEPT_FRAMES = 2 * FPS;

/** What truly passes the lines of a street while its frames are sent. */
export class TrueCrossings {
  readonly #seed: number;
  readonly #sentAt = new Map<number, number>();
  readonly #told = new Set<string>();
  /** s of the scene up to which crossings were looked for: whole ones, at which the steps of `sceneCrossings` meet. */
  #until: number | undefined;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * @param index of the frame that was sent
   * @param at ms since 1970
   * @returns what passed in the seconds of the scene that are over with it, each object once a line and direction
   */
  sent(index: number, at: number): Passing[] {
    this.#sentAt.set(index, at);
    this.#sentAt.delete(index - KEPT_FRAMES);
    const now = Math.floor(index / FPS);
    const from = this.#until ?? now;
    this.#until = Math.max(from, now);
    if (now <= from) return [];
    const lens = createLens(this.#seed);
    return sceneCrossings(this.#seed, lens, countingLines(lens), { from, to: now }).flatMap((each) => {
      const key = `${each.name} ${each.line} ${each.direction}`;
      if (this.#told.has(key)) return [];
      this.#told.add(key);
      const { line, direction, class: name, t } = each;
      // Frames are sent at their time, or late where the machine is busy: then the scene stood still meanwhile.
      const behind = Math.floor(t * FPS);
      const sentAt = this.#sentAt.get(behind) ?? at - ((index - behind) * 1000) / FPS;
      return [{ line, direction, class: name, at: sentAt + ((t * FPS - behind) * 1000) / FPS }];
    });
  }
}
