import { type Edges, FIELDS, MAP_COLUMNS, MAP_ROWS } from './edge-map.ts';

/** What stood is forgotten so slowly, ms: shadows wander and cars park along with it, a camera that turns does not. */
const MEMORY_MS = 30 * 60_000;
const LONGEST_STEP_MS = 2000;
/** An edge stands where its mean is at least so much of what is there at all, in squares: with traffic directions and lengths change. */
const COHERENT = 0.6;
/** Of 255 between two fields. */
const LEAST_LENGTH = 4;

/** Tiles that an image is judged by, each for itself: a lorry covers some. */
const TILE_COLUMNS = 4;
const TILE_ROWS = 3;
/** Fields each way by which a standing edge may be off: what a mast sways. */
const SWAY = 1;
const SWAYS = [-1, 0, 1]
  .flatMap((down) => [-1, 0, 1].map((across) => down * MAP_COLUMNS + across))
  .filter((by) => by !== 0);
/** Standing edges that a tile is judged by, fields. */
const FEWEST = 5;

/**
 * Correlation of a tile with its past from which on it is the same. Of the test data's clips and rendered streets, tiles that hold more than a hundredth of
 * what stands had 0.64 to 1.00 while the camera stood or swayed, and 0.04 to 0.59 after it turned by 4% of its width or 5 degrees.
 */
export const LEAST_AGREEMENT = 0.6;

/** How edges of one tile compare with those that stood there. */
export interface TileAgreement {
  /** Correlation, -1 to 1: 0 where other edges are there, or none. */
  readonly agreement: number;
  /** Sum of squares of the standing edges: what the tile has to say. */
  readonly weight: number;
}

/** The edges that stood in the camera's past, and how those of now lie on them. */
export class StandingEdges {
  readonly #mean = new Float32Array(2 * FIELDS);
  /** Mean of squared lengths. */
  readonly #square = new Float32Array(FIELDS);
  #looks = 0;
  #at = Number.NEGATIVE_INFINITY;

  get looks(): number {
    return this.#looks;
  }

  remember(at: number, edges: Edges): void {
    const elapsed = Math.min(LONGEST_STEP_MS, at - this.#at);
    this.#at = at;
    this.#looks++;
    const weight = Math.max(1 / this.#looks, 1 - Math.exp(-elapsed / MEMORY_MS));
    for (let i = 0; i < FIELDS; i++) {
      const [a, b] = [edges[i]!, edges[FIELDS + i]!];
      this.#mean[i]! += weight * (a - this.#mean[i]!);
      this.#mean[FIELDS + i]! += weight * (b - this.#mean[FIELDS + i]!);
      this.#square[i]! += weight * (a * a + b * b - this.#square[i]!);
    }
  }

  /** Of the tiles in which something stands. */
  compare(edges: Edges): TileAgreement[] {
    const [height, width] = [MAP_ROWS / TILE_ROWS, MAP_COLUMNS / TILE_COLUMNS];
    const tiles: TileAgreement[] = [];
    for (let top = 0; top < MAP_ROWS; top += height) {
      for (let left = 0; left < MAP_COLUMNS; left += width) {
        const tile = this.#compareTile(this.#standing(top, left, height, width), edges);
        if (tile !== undefined) tiles.push(tile);
      }
    }
    return tiles;
  }

  #standing(top: number, left: number, height: number, width: number): number[] {
    const fields: number[] = [];
    for (let row = Math.max(SWAY, top); row < Math.min(MAP_ROWS - SWAY, top + height); row++) {
      for (let column = Math.max(SWAY, left); column < Math.min(MAP_COLUMNS - SWAY, left + width); column++) {
        const field = row * MAP_COLUMNS + column;
        const square = this.#mean[field]! ** 2 + this.#mean[FIELDS + field]! ** 2;
        if (square >= LEAST_LENGTH ** 2 && square >= COHERENT * this.#square[field]!) fields.push(field);
      }
    }
    return fields;
  }

  #compareTile(fields: readonly number[], edges: Edges): TileAgreement | undefined {
    if (fields.length < FEWEST) return undefined;
    const still = this.#correlate(fields, edges, 0);
    if (still.agreement >= LEAST_AGREEMENT) return still;
    const swayed = SWAYS.map((by) => this.#correlate(fields, edges, by));
    return [still, ...swayed].reduce((best, each) => (each.agreement > best.agreement ? each : best));
  }

  #correlate(fields: readonly number[], edges: Edges, by: number): TileAgreement {
    let [product, first, second] = [0, 0, 0];
    for (const field of fields) {
      const [a, b] = [this.#mean[field]!, this.#mean[FIELDS + field]!];
      const [c, d] = [edges[field + by]!, edges[FIELDS + field + by]!];
      product += a * c + b * d;
      first += a * a + b * b;
      second += c * c + d * d;
    }
    return { agreement: second === 0 ? 0 : product / Math.sqrt(first * second), weight: first };
  }
}
