import type { Component, Group, Region } from './components.ts';

/** Parts of one thing are above each other: by so much of the narrower one, */
const ABOVE = 0.5;
/** with a gap of a share of the smaller one's size, or of pixels. */
const GAP = 0.15;
const GAP_PIXELS = 2;
/** Side by side, with no more between them than a post: a share of the height of the lower one. */
const POST = 0.1;
/** One inside of another. */
const INSIDE = 0.5;

/** Puts parts of one thing together: a head above its coat, a cab before its load. Repeats until nothing belongs to anything. */
export function grouped(components: ReadonlyMap<number, Component>): Group[] {
  const groups = [...components].map(([number, { left, top, right, bottom, area }]) => {
    return { left, top, right, bottom, area, numbers: new Set([number]) };
  });
  for (let joined = true; joined; ) {
    joined = false;
    for (let i = 0; i < groups.length; i++) {
      for (let j = groups.length - 1; j > i; j--) {
        const [into, other] = [groups[i]!, groups[j]!];
        if (!belong(into, other)) continue;
        join(into, other);
        for (const number of other.numbers) into.numbers.add(number);
        groups.splice(j, 1);
        joined = true;
      }
    }
  }
  return groups;
}

function belong(a: Region, b: Region): boolean {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const [width, height] = [Math.min(a.right - a.left, b.right - b.left), Math.min(a.bottom - a.top, b.bottom - b.top)];
  if (across > 0 && down > 0 && across * down >= INSIDE * width * height) return true;
  if (across >= ABOVE * width) return -down <= Math.max(GAP_PIXELS, GAP * Math.min(sizeOf(a), sizeOf(b)));
  return down >= ABOVE * height && -across <= POST * height;
}

const sizeOf = ({ left, top, right, bottom }: Region): number => Math.hypot(right - left, bottom - top);

function join(into: Region, other: Region): void {
  into.left = Math.min(into.left, other.left);
  into.top = Math.min(into.top, other.top);
  into.right = Math.max(into.right, other.right);
  into.bottom = Math.max(into.bottom, other.bottom);
  into.area += other.area;
}
