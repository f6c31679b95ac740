import { between, chance, planeNoise } from './chance.ts';
import { type Facade, facadeColour, makeFacades } from './facade.ts';
import { groundColour } from './ground.ts';
import { HEIGHT, type Lens, OVERSAMPLING, WIDTH } from './lens.ts';
import { STREET } from './street.ts';
import type { Rgb } from './types.ts';

/** What never moves, in the light of noon: painted once for a scene. */
export interface Backdrop {
  /** `[HEIGHT, WIDTH, 3]`. */
  readonly colour: Uint8ClampedArray;
  /** 1 where the pixel is ground, on which shadows fall. */
  readonly ground: Uint8Array;
  /** One over the distance, for each sample. */
  readonly nearness: Float32Array;
  /** Sensor noise in grey levels: a table that every row of every frame enters at a new place, as a draw per pixel would cost more than the rest. */
  readonly noise: Float32Array;
}

/** Standard deviation, grey levels. */
const NOISE = 2.2;
const NOISE_TABLE = 8192;

interface Tree {
  readonly x: number;
  readonly radius: number;
  readonly crown: number;
}

/** Casts a ray through every sample: trees first, then the row of houses, the ground, the sky. */
export function paintBackdrop(seed: number, lens: Lens): Backdrop {
  const width = WIDTH * OVERSAMPLING;
  const height = HEIGHT * OVERSAMPLING;
  const nearness = new Float32Array(width * height);
  const sums = new Float32Array(WIDTH * HEIGHT * 3);
  const ground = new Uint8Array(WIDTH * HEIGHT);
  const facades = makeFacades(seed);
  const trees = plantTrees(seed);
  const [fx, fy, fz] = lens.forward;
  for (let row = 0; row < height; row++) {
    const v = -(row + 0.5 - height / 2) / lens.focal;
    for (let column = 0; column < width; column++) {
      const u = (column + 0.5 - width / 2) / lens.focal;
      const dx = fx + u * lens.right[0] + v * lens.up[0];
      const dy = fy + u * lens.right[1] + v * lens.up[1];
      const dz = fz + u * lens.right[2] + v * lens.up[2];
      const hit = cast(seed, lens, facades, trees, dx, dy, dz);
      nearness[row * width + column] = hit.depth === Infinity ? 0 : 1 / hit.depth;
      const pixel = Math.floor(row / OVERSAMPLING) * WIDTH + Math.floor(column / OVERSAMPLING);
      if (hit.ground) ground[pixel] = 1;
      for (let c = 0; c < 3; c++) sums[3 * pixel + c]! += hit.colour[c]!;
    }
  }
  const colour = Uint8ClampedArray.from(sums, (sum) => sum / OVERSAMPLING ** 2);
  const grain = chance(seed, 82);
  return { colour, ground, nearness, noise: Float32Array.from({ length: NOISE_TABLE }, () => grain.normal() * NOISE) };
}

/** Where the side street ends in a park, metres. */
const VISTA = 85;

interface Hit {
  readonly colour: Rgb;
  /** Along the optical axis: the ray's parameter, because its forward component is one. */
  readonly depth: number;
  readonly ground: boolean;
}

function cast(
  seed: number,
  { position }: Lens,
  facades: readonly Facade[],
  trees: readonly Tree[],
  dx: number,
  dy: number,
  dz: number,
): Hit {
  const [cx, cy, cz] = position;
  const treeDepth = (STREET.farWalk + 1.3 - cz) / dz;
  const wallDepth = (STREET.facade - cz) / dz;
  const groundDepth = dy < 0 ? -cy / dy : Infinity;
  if (treeDepth < groundDepth) {
    const colour = treeColour(seed, trees, cx + dx * treeDepth, cy + dy * treeDepth);
    if (colour !== null) return { colour, depth: treeDepth, ground: false };
  }
  const wallX = cx + dx * wallDepth;
  const wallY = cy + dy * wallDepth;
  if (wallDepth < groundDepth) {
    const colour = facadeColour(seed, facades, wallX, wallY);
    if (colour !== null) return { colour, depth: wallDepth, ground: false };
  }
  const flankDepth = (STREET.sideRight + 1.4 - cx) / dx;
  const along = cz + dz * flankDepth;
  if (flankDepth > 0 && flankDepth < groundDepth && along > STREET.facade && along < VISTA) {
    const colour = facadeColour(seed + 1, facades, along - 60, cy + dy * flankDepth);
    if (colour !== null)
      return { colour: [colour[0] * 0.82, colour[1] * 0.82, colour[2] * 0.85], depth: flankDepth, ground: false };
  }
  const vistaDepth = (VISTA - cz) / dz;
  if (vistaDepth < groundDepth) {
    const x = cx + dx * vistaDepth;
    const top = 6 + 5 * planeNoise(seed + 13, x * 0.25, 0) + 1.5 * planeNoise(seed + 14, x, 0);
    const y = cy + dy * vistaDepth;
    if (y < top) return { colour: hazy(planeNoise(seed + 15, x * 1.5, y * 1.5)), depth: vistaDepth, ground: false };
  }
  if (groundDepth < 140) {
    return {
      colour: groundColour(seed, cx + dx * groundDepth, cz + dz * groundDepth, groundDepth),
      depth: groundDepth,
      ground: true,
    };
  }
  return { colour: skyColour(seed, dx, dy), depth: Infinity, ground: false };
}

/** Trees at the far end of the side street, washed out by the air between. */
const hazy = (leaf: number): Rgb => [104 + 34 * leaf, 128 + 34 * leaf, 112 + 26 * leaf];

function skyColour(seed: number, dx: number, dy: number): Rgb {
  const cloud = planeNoise(seed + 5, dx * 6, dy * 22) * 0.6 + planeNoise(seed + 6, dx * 14, dy * 50) * 0.4;
  const high = Math.min(1, Math.max(0, dy * 3 + 0.3));
  const white = Math.max(0, cloud - 0.45) * 120;
  return [188 - 52 * high + white, 208 - 30 * high + white * 0.8, 228 - 4 * high + white * 0.4];
}

function plantTrees(seed: number): Tree[] {
  const random = chance(seed, 61);
  return [-16.5, -11, -4.6, 15.5, 21].map((x) => ({
    x: x + between(random, -0.8, 0.8),
    radius: between(random, 1.1, 1.6),
    crown: between(random, 3.6, 4.4),
  }));
}

function treeColour(seed: number, trees: readonly Tree[], x: number, y: number): Rgb | null {
  for (const tree of trees) {
    if (Math.abs(x - tree.x) < 0.13 && y < tree.crown) return [84, 66, 50];
    const ragged = planeNoise(seed + 7, x * 3, y * 3) * 0.5 + planeNoise(seed + 8, x * 8, y * 8) * 0.35;
    const reach = Math.hypot(x - tree.x, (y - tree.crown) * 0.9) / tree.radius;
    if (reach + ragged * 0.6 < 1.1) {
      const leaf = planeNoise(seed + 9, x * 6, y * 6) * 46 + (y - tree.crown) * 14;
      return [58 + leaf * 0.7, 96 + leaf, 46 + leaf * 0.4];
    }
  }
  return null;
}
