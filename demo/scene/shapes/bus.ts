import type { Random } from '../../../core/random.ts';
import { between, hsl, pick } from '../chance.ts';
import type { Rgb } from '../types.ts';
import type { Vehicle } from './car.ts';
import { across, block, onSides, wheels } from './solid.ts';

const GLASS: Rgb = [36, 50, 64];

/** A city bus: one long window band with posts, doors on both sides so that either side may face the camera. */
export function makeBus(random: Random, dusk: boolean): Vehicle {
  const length = between(random, 9.4, 11);
  const half = between(random, 1.2, 1.27);
  const nose = length / 2;
  const top = between(random, 2.95, 3.15);
  const paint = hsl(
    pick(random, [2, 18, 45, 140, 200, 215, 285]),
    between(random, 0.6, 0.85),
    between(random, 0.38, 0.52),
  );
  const second: Rgb = random.next() < 0.6 ? [236, 236, 232] : [paint[0] * 0.75, paint[1] * 0.75, paint[2] * 0.75];
  const panes = Math.round(length / 1.45);
  const posts = Array.from({ length: panes - 1 }, (_, i) => -nose + 0.3 + ((i + 1) * (length - 0.6)) / panes);
  const lit: Rgb = dusk ? [190, 180, 130] : GLASS;
  return {
    length,
    faces: [
      ...block([-nose, nose], [0.38, 1.3], [-half, half], paint),
      ...block([-nose, nose], [1.3, top], [-half, half], second),
      ...onSides([-nose + 0.3, nose - 0.15], [1.38, 2.45], half, lit),
      ...posts.flatMap((x) => onSides([x - 0.06, x + 0.06], [1.38, 2.45], half + 0.02, [24, 26, 30])),
      ...[nose - 1.5, -0.4].flatMap((x) => [
        ...onSides([x, x + 1.1], [0.5, 2.4], half + 0.03, [52, 62, 72]),
        ...onSides([x + 0.51, x + 0.59], [0.5, 2.4], half + 0.05, [20, 22, 24]),
      ]),
      ...block([-nose + 1.2, nose - 3], [top, top + 0.22], [-half + 0.4, half - 0.4], [212, 214, 214]),
      ...wheels([-nose + 2.6, nose - 2.6], 0.48, half),
      across(nose + 0.03, [1.1, 2.45], [-half + 0.1, half - 0.1], GLASS),
      across(nose + 0.04, [2.58, 2.85], [-half + 0.3, half - 0.3], [255, 176, 40], true),
      across(-nose - 0.03, [1.7, 2.5], [-half + 0.2, half - 0.2], GLASS),
      across(nose + 0.03, [0.55, 0.75], [-half + 0.1, -half + 0.5], dusk ? [255, 250, 215] : [225, 226, 228], dusk),
      across(nose + 0.03, [0.55, 0.75], [half - 0.5, half - 0.1], dusk ? [255, 250, 215] : [225, 226, 228], dusk),
    ],
  };
}
