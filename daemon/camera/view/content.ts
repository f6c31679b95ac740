import { COLUMNS, type Grid, ROWS } from './grid.ts';

/** What one image shows, by itself. */
export type Content = 'street' | 'dark' | 'covered' | 'test-pattern';

/** In linear light 0.6% of white: with 98 of 100 points below it neither lamps nor headlights are in sight. */
const BLACK = 20;
/** Of 255; a wall, fog or a lid still leave the noise of the sensor. */
const ONE_TONE = 6;
/** Points that may differ: a caption burnt into the image. */
const CAPTION = 0.02;

/** Bars of SMPTE, EBU and most sensors: at 75 or 100% of the corners of the colour cube. */
const FEWEST_BARS = 6;
const SATURATED = 150;
const UNSATURATED = 60;
const BAR_TOLERANCE = 14;
/** The lower part of SMPTE's bars holds other fields, or a moving one. */
const BAR_ROWS = Math.floor(ROWS * 0.6);

export function contentOf(grid: Grid): Content {
  const sorted = Uint8Array.from(grid.luma).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  if (at(1 - CAPTION) <= BLACK) return 'dark';
  if (isTestPattern(grid.colours)) return 'test-pattern';
  const half = CAPTION / 2;
  if (at(1 - half) - at(half) <= ONE_TONE) return 'covered';
  return 'street';
}

/** Vertical bars of one colour each, of at least six of the corners of the colour cube. */
function isTestPattern(colours: Uint8Array): boolean {
  const corners = new Set<number>();
  let bars = 0;
  for (let column = 0; column < COLUMNS; column++) {
    const corner = cornerOf(colours, column);
    if (corner === undefined) continue; // a border between two bars
    bars++;
    corners.add(corner);
  }
  return corners.size >= FEWEST_BARS && bars >= COLUMNS * 0.7;
}

/** Which corner of the cube a column shows from the top down, as three bits; undefined where it is none, or changes. */
function cornerOf(colours: Uint8Array, column: number): number | undefined {
  let corner = 0;
  for (let channel = 0; channel < 3; channel++) {
    const first = colours[column * 3 + channel]!;
    if (first > UNSATURATED && first < SATURATED) return undefined;
    for (let row = 1; row < BAR_ROWS; row++) {
      const value = colours[(row * COLUMNS + column) * 3 + channel]!;
      if (Math.abs(value - first) > BAR_TOLERANCE) return undefined;
    }
    corner = corner * 2 + (first >= SATURATED ? 1 : 0);
  }
  return corner;
}
