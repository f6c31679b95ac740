/** Gives names that no one has yet: the wanted one, else the wanted one with the first free number. */
export class NameGiver {
  readonly #taken: Set<string>;
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  give(wanted: string): string {
    let name = wanted;
    for (let n = this.#next.get(wanted) ?? 1; name === '' || this.#taken.has(name); n++) {
      name = `${wanted}_${n}`;
      this.#next.set(wanted, n + 1);
    }
    this.#taken.add(name);
    return name;
  }

  has(name: string): boolean {
    return this.#taken.has(name);
  }
}
