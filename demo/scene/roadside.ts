import { between, chance } from './chance.ts';
import { makeSign } from './shapes/sign.ts';
import { block, disc } from './shapes/solid.ts';
import { CYCLE, MAIN_AMBER, SIDE_AMBER, SIDE_GREEN, STREET } from './street.ts';
import type { Placed, Rgb, Vec3 } from './types.ts';

/** Turns a plate that faces -z towards the camera's side of the street, a little off as real ones are. */
const plateHeading = (seed: number, key: number): number => between(chance(seed, 51, key), -0.25, 0.25);

/**
 * The signs at `t` seconds: a fixed one across the street, and the works gang's on the lawn, which is put up, changed
 * and taken away: a new one, or none, every two thirds of a cycle.
 */
export function signsAt(seed: number, t: number): Placed[] {
  const turn = Math.floor((t / CYCLE) * 1.5);
  const random = chance(seed, 52, turn);
  const fixed: Placed = {
    name: 'far-sign',
    class: 'sign',
    position: STREET.farSign,
    heading: plateHeading(seed, 0),
    faces: makeSign(chance(seed, 53)),
  };
  if (random.next() < 0.35) return [fixed];
  const position: Vec3 = [STREET.signPost[0] + between(random, -0.2, 0.2), 0, STREET.signPost[2]];
  return [
    fixed,
    { name: `near-sign/${turn}`, class: 'sign', position, heading: plateHeading(seed, turn), faces: makeSign(random) },
  ];
}

const POLE: Rgb = [70, 74, 78];
const HOUSING: Rgb = [28, 30, 30];
const LAMPS: readonly (readonly [lit: Rgb, out: Rgb])[] = [
  [
    [255, 48, 40],
    [70, 22, 20],
  ],
  [
    [255, 190, 40],
    [70, 56, 22],
  ],
  [
    [60, 240, 130],
    [18, 60, 38],
  ],
];

/** Traffic lights: furniture, which can hide things but is none of the classes. */
export function signalsAt(t: number): Placed[] {
  const phase = t - Math.floor(t / CYCLE) * CYCLE;
  const main = phase < MAIN_AMBER ? 2 : phase < MAIN_AMBER + 0.9 ? 1 : 0;
  const side = phase >= SIDE_GREEN && phase < SIDE_AMBER ? 2 : phase >= SIDE_AMBER && phase < SIDE_AMBER + 0.8 ? 1 : 0;
  const post = (name: string, position: Vec3, heading: number, showing: number): Placed => ({
    name,
    position,
    heading,
    faces: [
      ...block([-0.07, 0.07], [0, 2.5], [-0.07, 0.07], POLE),
      ...block([-0.19, 0.19], [2.4, 3.5], [-0.14, 0.16], HOUSING),
      ...LAMPS.map(([lit, out], i) => ({
        ...disc([0, 3.27 - 0.34 * i, -0.17], 0.13, i === showing ? lit : out, 10),
        glows: i === showing,
      })),
    ],
  });
  return [post('near-signal', STREET.signalPost, 0.3, main), post('side-signal', [2.9, 0, 16.3], -0.2, side)];
}
