import { EdgeMap, FIELDS } from './edge-map.ts';
import type { Image } from './grid.ts';
import { LEAST_AGREEMENT, StandingEdges, type TileAgreement } from './standing-edges.ts';

/**
 * Shortest past that something is compared with, looks: half a minute, ten times what an edge map is the mean of. After fewer, noise and
 * traffic have stood here and there by chance, and a camera that shows little else was called turned.
 */
const SHORTEST_PAST = 30;
/** Share of fields with an edge: fewer, as on most nights, say nothing. */
const FEWEST_EDGES = 0.02;
/** Tiles that have edges to be judged by. */
const FEWEST_TILES = 3;
/** Of what stands, by weight: in tiles whose edges lie elsewhere. A bus before the lens covers half. */
const MOST_ASTRAY = 0.7;
/** And it is back where it was from here on. */
const FEW_ASTRAY = 0.5;
/** A past grows with what is at least so much like it. */
const SAME = 0.34;

/** Whether a camera was turned: the edges of what stands still lie elsewhere than they used to, in most of the image. */
export class MovedCheck {
  #map = new EdgeMap();
  #past = new StandingEdges();
  #aspect = 0;
  #moved = false;

  /** Forgets the past: from now on this is the view. */
  reset(): void {
    this.#map = new EdgeMap();
    this.#past = new StandingEdges();
    this.#moved = false;
  }

  /** @returns whether most edges lie elsewhere than they used to */
  add(at: number, image: Image): boolean {
    const aspect = image.width / image.height;
    if (Math.abs(aspect / this.#aspect - 1) > 0.02) this.reset(); // another format shows another part of the street
    this.#aspect = aspect;
    const edges = this.#map.add(at, image);
    if (this.#map.strong < FEWEST_EDGES * FIELDS) return this.#moved;
    const astray = this.#past.looks < SHORTEST_PAST ? undefined : shareAstray(this.#past.compare(edges));
    if (astray !== undefined) this.#moved = astray >= (this.#moved ? FEW_ASTRAY : MOST_ASTRAY);
    if (astray === undefined || astray <= SAME) this.#past.remember(at, edges);
    return this.#moved;
  }
}

function shareAstray(tiles: readonly TileAgreement[]): number | undefined {
  if (tiles.length < FEWEST_TILES) return undefined;
  let [astray, all] = [0, 0];
  for (const { agreement, weight } of tiles) {
    all += weight;
    if (agreement < LEAST_AGREEMENT) astray += weight;
  }
  return astray / all;
}
