import type { Random } from '../../../core/random.ts';
import { between, hsl, pick } from '../chance.ts';
import type { Face, Rgb } from '../types.ts';
import { across, extrude, onSides, wheels } from './solid.ts';

export interface Vehicle {
  /** Metres, bumper to bumper; the body lies from -length/2 to length/2. */
  readonly length: number;
  readonly faces: readonly Face[];
}

const GLASS: Rgb = [44, 56, 68];

/** Hatchbacks, saloons and tall family cars of every colour. */
export function makeCar(random: Random, dusk: boolean): Vehicle {
  const grey = random.next() < 0.45;
  const paint = grey
    ? hsl(215, 0.06, pick(random, [0.12, 0.3, 0.55, 0.75, 0.92]))
    : hsl(between(random, 0, 360), between(random, 0.45, 0.9), between(random, 0.3, 0.6));
  const length = between(random, 3.7, 4.9);
  const half = between(random, 0.84, 0.94);
  const tall = random.next() < 0.3;
  const waist = tall ? 1.02 : 0.88;
  const roof = tall ? between(random, 1.62, 1.8) : between(random, 1.38, 1.5);
  const back = -length / 2 + (random.next() < 0.5 ? 0.12 : 0.75);
  const front = length / 2 - between(random, 1.05, 1.35);
  const roofBack = back + 0.4;
  const roofFront = front - 0.75;
  const sill = 0.28;
  const nose = length / 2;
  const darker: Rgb = [paint[0] * 0.8, paint[1] * 0.8, paint[2] * 0.8];
  return {
    length,
    faces: [
      ...extrude(
        [
          [-nose, sill],
          [nose, sill],
          [nose, waist - 0.2],
          [front, waist],
          [back - 0.1, waist],
          [-nose, waist - 0.08],
        ],
        -half,
        half,
        paint,
      ),
      ...extrude(
        [
          [back, waist],
          [front, waist],
          [roofFront, roof],
          [roofBack, roof],
        ],
        -half + 0.12,
        half - 0.12,
        GLASS,
      ),
      ...extrude(
        [
          [roofBack, roof - 0.06],
          [roofFront, roof - 0.06],
          [roofFront, roof + 0.02],
          [roofBack, roof + 0.02],
        ],
        -half + 0.12,
        half - 0.12,
        paint,
      ),
      ...onSides([(back + front) / 2 - 0.06, (back + front) / 2 + 0.06], [waist, roof - 0.05], half - 0.12, paint),
      ...onSides([-nose + 0.1, nose - 0.1], [sill, sill + 0.1], half, darker),
      ...wheels([-nose + 0.85, nose - 0.85], 0.32, half),
      across(nose + 0.02, [0.55, 0.68], [-half + 0.05, -half + 0.4], dusk ? [255, 250, 215] : [225, 228, 230], dusk),
      across(nose + 0.02, [0.55, 0.68], [half - 0.4, half - 0.05], dusk ? [255, 250, 215] : [225, 228, 230], dusk),
      across(nose + 0.02, [0.34, 0.48], [-half + 0.3, half - 0.3], [38, 38, 40]),
      across(-nose - 0.02, [0.6, 0.75], [-half + 0.03, -half + 0.35], [190, 24, 24], dusk),
      across(-nose - 0.02, [0.6, 0.75], [half - 0.35, half - 0.03], [190, 24, 24], dusk),
    ],
  };
}
