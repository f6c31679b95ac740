import type { Face, Rgb, Vec3 } from '../types.ts';

type Flat = readonly [x: number, y: number];

/** A convex outline in the x-y plane, drawn out along z from `z0` to `z1`: two caps and one wall per edge. */
export function extrude(outline: readonly Flat[], z0: number, z1: number, colour: Rgb, walls: Rgb = colour): Face[] {
  const cap = (z: number): Face => ({ points: outline.map(([x, y]): Vec3 => [x, y, z]), colour });
  const wall = ([ax, ay]: Flat, [bx, by]: Flat): Face => ({
    points: [
      [ax, ay, z0],
      [bx, by, z0],
      [bx, by, z1],
      [ax, ay, z1],
    ],
    colour: walls,
  });
  return [cap(z0), cap(z1), ...outline.map((point, i) => wall(point, outline[(i + 1) % outline.length] ?? point))];
}

export function block([x0, x1]: Flat, [y0, y1]: Flat, [z0, z1]: Flat, colour: Rgb): Face[] {
  return extrude(
    [
      [x0, y0],
      [x1, y0],
      [x1, y1],
      [x0, y1],
    ],
    z0,
    z1,
    colour,
  );
}

/** A rectangle on both long sides of a body whose half width is `half`, a finger's breadth proud of it. */
export function onSides([x0, x1]: Flat, [y0, y1]: Flat, half: number, colour: Rgb): Face[] {
  return [-half - 0.03, half + 0.03].map((z) => ({
    points: [
      [x0, y0, z],
      [x1, y0, z],
      [x1, y1, z],
      [x0, y1, z],
    ],
    colour,
  }));
}

/** A rectangle across the body at `x`: windscreens, grilles, tail lights. */
export function across(x: number, [y0, y1]: Flat, [z0, z1]: Flat, colour: Rgb, glows = false): Face {
  return {
    points: [
      [x, y0, z0],
      [x, y1, z0],
      [x, y1, z1],
      [x, y0, z1],
    ],
    colour,
    glows,
  };
}

/** A regular polygon in the plane across z. */
export function disc([x, y, z]: Vec3, radius: number, colour: Rgb, corners = 12, turn = 0): Face {
  return {
    points: Array.from({ length: corners }, (_, i): Vec3 => {
      const angle = turn + (2 * Math.PI * i) / corners;
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle), z];
    }),
    colour,
  };
}

const TYRE: Rgb = [26, 26, 28];
const RIM: Rgb = [150, 152, 156];

/** Wheels on both sides at the given places along the body. */
export function wheels(at: readonly number[], radius: number, half: number): Face[] {
  return at.flatMap((x) =>
    [-1, 1].flatMap((side) => [
      disc([x, radius, side * (half + 0.04)], radius, TYRE),
      disc([x, radius, side * (half + 0.06)], radius * 0.55, RIM, 8),
    ]),
  );
}
