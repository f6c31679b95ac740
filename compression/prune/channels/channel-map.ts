import type { Graph } from '../../../onnx/graph.ts';

/** A slice of an initializer that goes when its channel goes: index `i` along `axis` belongs to channel `ids[i]`. */
export interface Tie {
  readonly initializer: string;
  readonly axis: number;
  readonly ids: readonly number[];
}

/**
 * Which channels of which tensors live and die together: union-find over (tensor, channel), as in DepGraph (Fang 2023).
 *
 * A value's channels are its axis 1. `ids` of a value give for every index along that axis the channel it carries; after
 * unions, two ids with the same root are one channel.
 */
export class ChannelMap {
  readonly #parent: number[] = [];
  readonly #frozen = new Set<number>();
  readonly #values = new Map<string, readonly number[]>();
  readonly #ties: Tie[] = [];
  readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** New channels, each on its own. */
  fresh(count: number): number[] {
    return Array.from({ length: count }, () => this.#parent.push(this.#parent.length) - 1);
  }

  root(id: number): number {
    let at = id;
    while (this.#parent[at] !== at) {
      const above = this.#parent[this.#parent[at]!]!;
      this.#parent[at] = above;
      at = above;
    }
    return at;
  }

  /** Makes channels one, pair by pair. */
  unite(a: readonly number[], b: readonly number[]): void {
    a.forEach((id, i) => {
      const from = this.root(id);
      const to = this.root(b[i]!);
      if (from !== to) this.#parent[Math.max(from, to)] = Math.min(from, to);
    });
  }

  /** These channels stay, whatever they are worth. */
  freeze(ids: readonly number[]): void {
    for (const id of ids) this.#frozen.add(id);
  }

  frozenRoots(): ReadonlySet<number> {
    return new Set([...this.#frozen].map((id) => this.root(id)));
  }

  /** The channels of a value, or undefined where it has no axis that can shrink. */
  of(value: string): readonly number[] | undefined {
    return this.#values.get(value);
  }

  set(value: string, ids: readonly number[] | undefined): void {
    if (ids !== undefined) this.#values.set(value, ids);
  }

  /** An initializer that two nodes read loses the same places for both. */
  tie(initializer: string, axis: number, ids: readonly number[]): void {
    const known = this.#ties.find((tie) => tie.initializer === initializer && tie.axis === axis);
    if (known === undefined) this.#ties.push({ initializer, axis, ids });
    else this.unite(known.ids, ids);
  }

  get ties(): readonly Tie[] {
    return this.#ties;
  }
}
