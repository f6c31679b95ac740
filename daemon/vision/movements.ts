/** From one line or zone to another, by their ids. */
export interface Movement {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

export interface MovementEvent {
  readonly movement: string;
  readonly object: number;
  readonly track: number;
  /** When it was completed, s. */
  readonly time: number;
  /** Since it began, s. */
  readonly seconds: number;
  readonly classIndex: number;
}

/** An object at a line or in a zone. */
export interface Passage {
  readonly place: string;
  readonly object: number;
  readonly track: number;
  readonly time: number;
  readonly classIndex: number;
}

/** Who takes longer is on another errand, s. */
const LONGEST_SECONDS = 600;

/** Finds objects that passed one place and later another: each object makes each movement once. */
export class MovementWatch {
  readonly #movements: readonly Movement[];
  readonly #passed = new Map<
    number,
    { at: number; readonly places: Map<string, number>; readonly done: Set<string> }
  >();

  constructor(movements: readonly Movement[]) {
    this.#movements = movements;
  }

  /** @param passages of one frame, in the order of their times */
  update(passages: readonly Passage[], time: number): MovementEvent[] {
    if (this.#movements.length === 0) return [];
    const events: MovementEvent[] = [];
    for (const { place, object, track, time: at, classIndex } of passages.toSorted((a, b) => a.time - b.time)) {
      const known = this.#passed.get(object) ?? { at, places: new Map<string, number>(), done: new Set<string>() };
      this.#passed.set(object, known);
      known.at = Math.max(known.at, at);
      for (const { id, from, to } of this.#movements) {
        if ((place !== to && place !== from) || known.done.has(id)) continue;
        // A passage may become certain after one that came later.
        const began = place === from && from !== to ? at : known.places.get(from);
        const ended = place === to ? at : known.places.get(to);
        if (began === undefined || ended === undefined || ended < began) continue;
        known.done.add(id);
        events.push({ movement: id, object, track, time: ended, seconds: ended - began, classIndex });
      }
      known.places.set(place, Math.max(at, known.places.get(place) ?? at));
    }
    for (const [object, { at }] of this.#passed) if (time - at > LONGEST_SECONDS) this.#passed.delete(object);
    return events;
  }
}
