import type { Random } from '../../core/random.ts';
import { between, chance, pick } from './chance.ts';
import { makePedestrian } from './shapes/pedestrian.ts';
import { CYCLE, SIDE_GREEN, STREET } from './street.ts';
import type { Placed, Vec3 } from './types.ts';

/** Where someone is, which way they look, and how far they have walked (null while they stand). */
interface Step {
  readonly position: Vec3;
  readonly heading: number;
  readonly walked: number | null;
}

/** m/s along a pavement and over a zebra. */
const WALK = 1.45;
const CROSS = 1.75;
/** How many cycles a walk can last: 36 m and two waits. */
const LASTING = 4;
/** Metres from the street's origin at which people come and go, out of the image on both sides. */
const AWAY = 16;

function person(name: string, random: Random, step: Step): Placed {
  // The head is flat and must face the camera, which stands at about x = 0, z = -11.
  const camera = Math.atan2(-11 - step.position[2], -step.position[0]) + Math.PI / 2;
  return {
    name,
    class: 'pedestrian',
    position: step.position,
    heading: step.heading,
    faces: makePedestrian(random, step.walked, camera - step.heading + Math.PI),
  };
}

/** Up to the kerb, wait for green, over the zebra, then away to the left along the other pavement. */
function crossing(random: Random, place: number, cycle: number, t: number, fromNear: boolean): Step {
  const green = cycle * CYCLE + SIDE_GREEN + between(random, 0.1, 0.7);
  const middle = (STREET.zebraLeft + STREET.zebraRight) / 2;
  const lane = middle + [0.1, -0.85, 0.8][place]! + between(random, -0.25, 0.25);
  const kerb = fromNear ? STREET.nearKerb - 0.6 : STREET.farKerb + 0.6;
  const other = fromNear ? STREET.farWalk - 0.3 : STREET.nearWalk + 0.3;
  const towards = fromNear ? 1 : -1;
  const arrives = green - between(random, 1.5, 6);
  const over = green + Math.abs(other - kerb) / CROSS;
  if (t < arrives) {
    const along = WALK * (arrives - t);
    return { position: [lane - along, 0, kerb], heading: 0, walked: along };
  }
  if (t < green) return { position: [lane, 0, kerb], heading: (towards * Math.PI) / 2, walked: null };
  if (t < over) {
    const along = CROSS * (t - green);
    return { position: [lane, 0, kerb + towards * along], heading: (towards * Math.PI) / 2, walked: along };
  }
  const along = WALK * (t - over);
  return { position: [lane - along, 0, other], heading: Math.PI, walked: along };
}

/** Along one of the pavements, and over the side street when its traffic has red. */
function strolling(random: Random, cycle: number, t: number): Step {
  const starts = cycle * CYCLE + between(random, 0, CYCLE);
  const speed = between(random, 1.3, 1.6);
  const z = pick(random, [STREET.nearWalk - 0.9, STREET.nearWalk - 0.4, STREET.farWalk, STREET.farWalk + 0.8]);
  const right = random.next() < 0.5;
  const toKerb = right ? AWAY + STREET.sideLeft - 0.7 : AWAY - STREET.sideRight - 0.7;
  const reaches = starts + toKerb / speed;
  const goes = Math.ceil(reaches / CYCLE) * CYCLE + between(random, 0.1, 0.8);
  const along = t < reaches ? speed * (t - starts) : toKerb + Math.max(0, speed * (t - goes));
  const standing = t >= reaches && t < goes;
  return {
    position: [right ? along - AWAY : AWAY - along, 0, z],
    heading: right ? 0 : Math.PI,
    walked: standing ? null : along,
  };
}

/** Everyone on foot at `t` seconds. */
export function walkersAt(seed: number, t: number): Placed[] {
  const now = Math.floor(t / CYCLE);
  const people: Placed[] = [];
  const add = (name: string, random: Random, step: Step): void => {
    if (Math.abs(step.position[0]) <= AWAY) people.push(person(name, random, step));
  };
  for (let cycle = now - LASTING; cycle <= now + 1; cycle++) {
    const count = chance(seed, 41, cycle);
    for (const [key, from] of [
      [1, 'near'],
      [2, 'far'],
    ] as const) {
      const crowd = pick(count, [0, 1, 1, 2, 2, 3]);
      for (let i = 0; i < crowd; i++) {
        const step = crossing(chance(seed, 42, key, cycle, i), i, cycle, t, from === 'near');
        add(`${from}-walker/${cycle}/${i}`, chance(seed, 44, key, cycle, i), step);
      }
    }
    for (let i = 0; i < 2; i++) {
      add(`stroller/${cycle}/${i}`, chance(seed, 45, cycle, i), strolling(chance(seed, 43, cycle, i), cycle, t));
    }
  }
  return people;
}
