import type { Graph } from '../../../onnx/graph.ts';

/** A slice of an initializer that goes when its channel goes: index `i` along `axis` belongs to channel `ids[i]`. */
export interface Tie {
  readonly initializer: string;
  readonly axis: number;
  readonly ids: readonly number[];
  /** The weights here make the channel; others read it. */
  readonly makes?: boolean;
}

/** The channels of a value: for every index along `axis` the one it carries. */
export interface Followed {
  readonly axis: number;
  readonly ids: readonly number[];
}

/**
 * Which channels of which tensors live and die together: union-find over (tensor, channel), as in DepGraph (Fang 2023).
 *
 * A value's channels lie along one axis: 1 in images, the last of tokens and of images with channels last. After unions, two ids
 * with the same root are one channel.
 */
export class ChannelMap {
  readonly #parent: number[] = [];
  readonly #frozen = new Set<number>();
  readonly #values = new Map<string, Followed>();
  readonly #parts: (readonly number[])[] = [];
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

  /** New channels that stay. */
  fixed(count: number): number[] {
    const ids = this.fresh(count);
    this.freeze(ids);
    return ids;
  }

  /** The channels of a value with their axis, or undefined where it has none that can shrink. */
  at(value: string): Followed | undefined {
    return this.#values.get(value);
  }

  /** The channels of a value whatever their axis. */
  of(value: string): readonly number[] | undefined {
    return this.#values.get(value)?.ids;
  }

  set(value: string, followed: Followed | undefined): void {
    if (followed !== undefined) this.#values.set(value, followed);
  }

  /** These channels make a tensor of their own, which must not lose all of them: they do not compete with others. */
  part(ids: readonly number[]): void {
    this.#parts.push(ids);
  }

  /** Parts that each root belongs to. */
  partsByRoot(): ReadonlyMap<number, string> {
    const found = new Map<number, string>();
    for (const [part, ids] of this.#parts.entries()) {
      for (const root of new Set(ids.map((id) => this.root(id)))) found.set(root, `${found.get(root) ?? ''} ${part}`);
    }
    return found;
  }

  /** An initializer that two nodes read loses the same places for both. */
  tie(initializer: string, axis: number, ids: readonly number[], makes = false): void {
    const known = this.#ties.find((tie) => tie.initializer === initializer && tie.axis === axis);
    if (known === undefined) this.#ties.push({ initializer, axis, ids, makes });
    else this.unite(known.ids, ids);
  }

  get ties(): readonly Tie[] {
    return this.#ties;
  }
}
