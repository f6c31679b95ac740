import type { Random } from '../../core/random.ts';
import { ROAD_USERS } from '../../demo/detector/network.ts';
import type { Lens } from '../../demo/scene/lens.ts';
import { outlinesAt } from '../../demo/scene/outlines.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';

/** Errors of a detector that is neither good nor bad. */
const MISSED = 0.05;
const WEAK = 0.1;
const CONFUSED = 0.03;
/** Of the size. */
const JITTER = 0.03;
/** An image. */
const FALSE = 0.03;
export const LEAST_VISIBLE = 0.35;
/** Points along each side of a box at which it is looked whether anything is nearer. */
const POINTS = 6;

interface VisibleOutline {
  /** The same for as long as it is the same object. */
  readonly name: string;
  readonly box: Box;
  readonly classIndex: number;
  /** Share of it that nothing nearer hides. */
  readonly visible: number;
}

/** Who is on the street at `t` seconds, the nearest first, and how much of each is to be seen. */
export function visibleOutlines(seed: number, lens: Lens, t: number): VisibleOutline[] {
  const things = [...outlinesAt(seed, lens, t)].sort((a, b) => a.depth - b.depth);
  return things.map(({ name, box, class: kind }, i) => ({
    name,
    box,
    classIndex: ROAD_USERS.findIndex((user: string) => user === kind),
    visible: visible(
      box,
      things.slice(0, i).map((each) => each.box),
    ),
  }));
}

/** What a detector with such errors would say of a street; what others hide by two thirds it does not see. */
export function ruledDetections(outlines: readonly VisibleOutline[], random: Random): Detection[] {
  const found: Detection[] = [];
  for (const { box, classIndex, visible } of outlines) {
    if (visible < LEAST_VISIBLE || random.next() < MISSED) continue;
    const score = random.next() < WEAK ? 0.15 + 0.2 * random.next() : 0.45 + 0.5 * random.next();
    const named = random.next() < CONFUSED ? random.below(ROAD_USERS.length) : classIndex;
    found.push({ box: jittered(box, random), classIndex: named, score });
  }
  if (random.next() < FALSE) {
    const box: Box = [0.9 * random.next(), 0.4 + 0.4 * random.next(), 0.03 + 0.1 * random.next(), 0.1];
    found.push({ box, classIndex: random.below(ROAD_USERS.length), score: 0.2 + 0.5 * random.next() });
  }
  return found;
}

function visible([x, y, w, h]: Box, nearer: readonly Box[]): number {
  let free = 0;
  for (let i = 0; i < POINTS ** 2; i++) {
    const px = x + (((i % POINTS) + 0.5) / POINTS) * w;
    const py = y + ((Math.floor(i / POINTS) + 0.5) / POINTS) * h;
    if (!nearer.some(([a, b, c, d]) => px > a && px < a + c && py > b && py < b + d)) free++;
  }
  return free / POINTS ** 2;
}

function jittered([x, y, w, h]: Box, random: Random): Box {
  const [dx, dy, dw, dh] = [random.normal(), random.normal(), random.normal(), random.normal()];
  return [x + JITTER * w * (dx - dw / 2), y + JITTER * h * (dy - dh / 2), w * (1 + JITTER * dw), h * (1 + JITTER * dh)];
}
