import type { Random } from '../../../core/random.ts';
import { between, hsl, pick } from '../chance.ts';
import type { Face, Rgb } from '../types.ts';
import type { Vehicle } from './car.ts';
import { across, block, extrude, onSides, wheels } from './solid.ts';

const GLASS: Rgb = [40, 52, 64];
const CHASSIS: Rgb = [46, 47, 50];

/** A cab and what it carries: a box body, a tarpaulin with stripes, or a tipper. */
export function makeTruck(random: Random, dusk: boolean): Vehicle {
  const length = between(random, 6.8, 8.6);
  const half = between(random, 1.15, 1.25);
  const nose = length / 2;
  const cabBack = nose - between(random, 1.7, 2);
  const cabTop = between(random, 2.5, 2.8);
  const cab =
    random.next() < 0.3
      ? hsl(0, 0, 0.88)
      : hsl(between(random, 0, 360), between(random, 0.5, 0.9), between(random, 0.32, 0.5));
  return {
    length,
    faces: [
      ...block([-nose, cabBack], [0.55, 0.95], [-half + 0.25, half - 0.25], CHASSIS),
      ...extrude(
        [
          [cabBack, 0.5],
          [nose, 0.5],
          [nose, 1.55],
          [nose - 0.22, cabTop],
          [cabBack, cabTop],
        ],
        -half,
        half,
        cab,
      ),
      ...onSides([nose - 1.15, nose - 0.3], [1.5, cabTop - 0.35], half, GLASS),
      across(nose + 0.03, [1.5, 1.62], [-half + 0.1, half - 0.1], GLASS),
      ...windscreen(nose, cabTop, half),
      ...load(random, -nose, cabBack - 0.15, half),
      ...wheels([-nose + 1, -nose + 2.1, nose - 1.2], 0.48, half - 0.02),
      across(nose + 0.02, [0.65, 0.85], [-half + 0.1, -half + 0.45], dusk ? [255, 250, 215] : [220, 222, 225], dusk),
      across(nose + 0.02, [0.65, 0.85], [half - 0.45, half - 0.1], dusk ? [255, 250, 215] : [220, 222, 225], dusk),
    ],
  };
}

function windscreen(nose: number, top: number, half: number): Face[] {
  const slope = (y: number): number => nose + 0.04 - (0.22 * (y - 1.55)) / (top - 1.55);
  const y0 = 1.6;
  const y1 = top - 0.25;
  const z = half - 0.12;
  return [
    {
      points: [
        [slope(y0), y0, -z],
        [slope(y1), y1, -z],
        [slope(y1), y1, z],
        [slope(y0), y0, z],
      ],
      colour: GLASS,
    },
  ];
}

function load(random: Random, back: number, front: number, half: number): Face[] {
  const top = between(random, 2.9, 3.5);
  const kind = pick(random, ['box', 'tarpaulin', 'tipper']);
  if (kind === 'tipper') {
    const body = hsl(pick(random, [35, 48, 200, 110]), 0.5, 0.42);
    const ribs = Array.from({ length: 5 }, (_, i) => back + 0.3 + (i * (front - back - 0.5)) / 4);
    return [
      ...extrude(
        [
          [back, 0.95],
          [front, 0.95],
          [front, 2.2],
          [back + 0.2, 2.2],
        ],
        -half,
        half,
        body,
      ),
      ...extrude(
        [
          [back + 0.7, 2.15],
          [front - 0.5, 2.15],
          [(back + front) / 2, 2.6],
        ],
        -half + 0.2,
        half - 0.2,
        [122, 98, 72],
      ),
      ...ribs.flatMap((x) =>
        onSides([x - 0.05, x + 0.05], [0.95, 2.2], half, [body[0] * 0.7, body[1] * 0.7, body[2] * 0.7]),
      ),
    ];
  }
  const skin =
    random.next() < 0.5
      ? hsl(210, 0.08, between(random, 0.72, 0.95))
      : hsl(between(random, 0, 360), between(random, 0.3, 0.75), between(random, 0.35, 0.65));
  const trim: Rgb = [skin[0] * 0.65, skin[1] * 0.65, skin[2] * 0.65];
  const faces = [
    ...block([back, front], [0.95, top], [-half, half], skin),
    ...onSides([back, front], [0.95, 1.1], half, trim),
  ];
  if (kind === 'tarpaulin') {
    const seams = Array.from({ length: 6 }, (_, i) => back + 0.5 + (i * (front - back - 1)) / 5);
    return [...faces, ...seams.flatMap((x) => onSides([x - 0.03, x + 0.03], [1.1, top], half, trim))];
  }
  const mark = hsl(between(random, 0, 360), 0.8, 0.45);
  const middle = (back + front) / 2;
  return [...faces, ...onSides([middle - 1.1, middle + 0.9], [1.8, 2.3], half, mark)];
}
