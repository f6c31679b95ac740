/** A moment for which a camera was looked at. ms since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * How much of the time was really seen: between two frames that were analysed, as long as what crosses a line between them is still
 * found. A longer gap was not seen at all: nobody knows what happened in it.
 *
 * @see MOST_GAP_MS
 */
export class Coverage {
  #last: number | undefined;

  /** A frame was analysed. @param at of its capture, ms @param valid whether it shows the street @returns the time that it makes seen */
  frame(at: number, valid: boolean): Span | undefined {
    const last = this.#last;
    this.#last = valid ? at : undefined;
    if (!valid || last === undefined || at <= last || at - last > MOST_GAP_MS) return undefined;
    return { from: last, to: at };
  }

  /** What follows is another view: nothing is known of the time between. */
  interrupt(): void {
    this.#last = undefined;
  }
}

/** The tracker believes that an object that was not seen for 2 s is the same; an object that passes a line within a second was seen before and after. */
export const MOST_GAP_MS = 1000;
