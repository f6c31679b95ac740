interface InFlight<Owner, Frame> {
  readonly owner: Owner;
  readonly frame: Frame;
  /** ms of `performance.now()`. */
  readonly since: number;
}

/**
 * The one account of the frames that were handed to a model: each leaves it once, answered by the process that has it, or lost
 * with that process.
 */
export class FramesInFlight<Owner, Frame> {
  readonly #entries = new Map<number, InFlight<Owner, Frame>>();
  #last = 0;

  /** @returns the id under which the answer comes: unsigned 32 bits, as on the wire */
  submitted(owner: Owner, frame: Frame, now: number): number {
    this.#last = (this.#last + 1) >>> 0;
    this.#entries.set(this.#last, { owner, frame, since: now });
    return this.#last;
  }

  /** Takes out what was answered; undefined where this process was handed no such frame. */
  answered(owner: Owner, id: number): Frame | undefined {
    const entry = this.#entries.get(id);
    if (entry?.owner !== owner) return undefined;
    this.#entries.delete(id);
    return entry.frame;
  }

  /** Takes out all that a process had: it is gone. */
  lost(owner: Owner): Frame[] {
    const gone = [...this.#entries].filter(([, entry]) => entry.owner === owner);
    for (const [id] of gone) this.#entries.delete(id);
    return gone.map(([, { frame }]) => frame);
  }

  /** Since when a process has owed the answer that it has owed longest; undefined when it owes none. */
  owedSince(owner: Owner): number | undefined {
    let since: number | undefined;
    for (const entry of this.#entries.values())
      if (entry.owner === owner) since = Math.min(since ?? entry.since, entry.since);
    return since;
  }
}
