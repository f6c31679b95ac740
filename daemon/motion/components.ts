import type { GreySize } from './grey-image.ts';

/** Runs of marked pixels at most: more are no street but noise, and are not looked at. */
const MOST_RUNS = 6000;

/** Marked pixels inside `[left, right) x [top, bottom)`. */
export interface Region {
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** Pixels. */
  area: number;
}

/** Components that belong together. */
export interface Group extends Region {
  readonly numbers: ReadonlySet<number>;
}

/** Marked pixels that are connected. */
export interface Component extends Region {
  /** Contrast across its left and right ends, summed: in the image, and in the street behind. */
  edges: number;
  streetEdges: number;
}

/** Connected components (8 neighbours) by runs and union-find: one pass over the image, one over its runs. */
export class Components {
  readonly #size: GreySize;
  readonly #row = new Int32Array(MOST_RUNS);
  readonly #from = new Int32Array(MOST_RUNS);
  readonly #to = new Int32Array(MOST_RUNS);
  readonly #parent = new Int32Array(MOST_RUNS);
  #runs = 0;

  constructor(size: GreySize) {
    this.#size = size;
  }

  /**
   * @param grey the image, and `street` what is behind
   * @returns all of them, by number of component
   */
  find(mask: Uint8Array, grey: Float32Array, street: Float32Array): Map<number, Component> {
    const runs = this.#connect(mask);
    const found = new Map<number, Component>();
    for (let run = 0; run < runs; run++) {
      const root = this.#rootOf(run);
      const [row, from, to] = [this.#row[run]!, this.#from[run]!, this.#to[run]!];
      const known = found.get(root);
      const edges = this.#contrastAt(grey, row, from, to);
      const streetEdges = this.#contrastAt(street, row, from, to);
      if (known === undefined) {
        found.set(root, { left: from, top: row, right: to, bottom: row + 1, area: to - from, edges, streetEdges });
        continue;
      }
      known.left = Math.min(known.left, from);
      known.right = Math.max(known.right, to);
      known.bottom = row + 1;
      known.area += to - from;
      known.edges += edges;
      known.streetEdges += streetEdges;
    }
    this.#runs = runs;
    return found;
  }

  /** Calls with every run `[from, to)` of pixels of the components found last that are among these numbers. */
  eachRun(numbers: ReadonlySet<number>, call: (from: number, to: number) => void): void {
    for (let run = 0; run < this.#runs; run++) {
      if (!numbers.has(this.#rootOf(run))) continue;
      const start = this.#row[run]! * this.#size.width;
      call(start + this.#from[run]!, start + this.#to[run]!);
    }
  }

  /** Marked pixels of the components of these numbers, column by column, into `profile` from `left` on. */
  profileOf({ numbers, left }: Group, profile: Int32Array): void {
    for (let run = 0; run < this.#runs; run++) {
      if (!numbers.has(this.#rootOf(run))) continue;
      for (let x = this.#from[run]!; x < this.#to[run]!; x++) profile[x - left]!++;
    }
  }

  /** What of them lies in the columns `[from, to)`; its box is that of its pixels. */
  partOf({ numbers }: Group, from: number, to: number): Region {
    const part = { left: to, top: this.#size.height, right: from, bottom: 0, area: 0 };
    for (let run = 0; run < this.#runs; run++) {
      const left = Math.max(from, this.#from[run]!);
      const right = Math.min(to, this.#to[run]!);
      if (left >= right || !numbers.has(this.#rootOf(run))) continue;
      part.area += right - left;
      part.left = Math.min(part.left, left);
      part.right = Math.max(part.right, right);
      part.top = Math.min(part.top, this.#row[run]!);
      part.bottom = this.#row[run]! + 1;
    }
    return part;
  }

  /** Across both ends of a run; at the edge of the image nothing ends. */
  #contrastAt(image: Float32Array, row: number, from: number, to: number): number {
    const { width } = this.#size;
    const at = row * width;
    const left = from < 2 || from + 1 >= width ? 0 : Math.abs(image[at + from + 1]! - image[at + from - 2]!);
    const right = to + 1 >= width || to < 2 ? 0 : Math.abs(image[at + to + 1]! - image[at + to - 2]!);
    return left + right;
  }

  /** @returns how many runs there are */
  #connect(mask: Uint8Array): number {
    const { width, height } = this.#size;
    let [runs, above, aboveEnd] = [0, 0, 0];
    for (let row = 0; row < height; row++) {
      const first = runs;
      let next = above;
      for (let x = 0; x < width; x++) {
        if (mask[row * width + x] === 0) continue;
        const from = x;
        while (x < width && mask[row * width + x] === 1) x++;
        if (runs === MOST_RUNS) return runs;
        this.#row[runs] = row;
        this.#from[runs] = from;
        this.#to[runs] = x;
        this.#parent[runs] = runs;
        while (next < aboveEnd && this.#to[next]! < from) next++;
        for (let other = next; other < aboveEnd && this.#from[other]! <= x; other++) this.#join(other, runs);
        runs++;
      }
      [above, aboveEnd] = [first, runs];
    }
    return runs;
  }

  #rootOf(run: number): number {
    let root = run;
    while (this.#parent[root] !== root) root = this.#parent[root]!;
    while (this.#parent[run] !== root) {
      const next = this.#parent[run]!;
      this.#parent[run] = root;
      run = next;
    }
    return root;
  }

  /** The root is the run that came first. */
  #join(a: number, b: number): void {
    const [first, second] = [this.#rootOf(a), this.#rootOf(b)];
    this.#parent[Math.max(first, second)] = Math.min(first, second);
  }
}
