import type { Random } from '../../../core/random.ts';
import { between, hsl, pick } from '../chance.ts';
import type { Face, Rgb } from '../types.ts';
import { block, disc, extrude } from './solid.ts';

const SKIN: readonly [Rgb, ...Rgb[]] = [
  [238, 200, 172],
  [208, 160, 126],
  [150, 104, 76],
  [98, 66, 48],
];
const HAIR: readonly [Rgb, ...Rgb[]] = [
  [38, 30, 26],
  [92, 62, 38],
  [178, 140, 82],
  [120, 118, 116],
];

/**
 * A person in coat and trousers. `walked` in metres swings legs and arms; null stands still.
 * `facing` turns the flat parts of the head to the camera: the angle to it in the person's own coordinates.
 */
export function makePedestrian(random: Random, walked: number | null, facing: number): Face[] {
  const tall = between(random, 1.55, 1.92);
  const wide = between(random, 0.2, 0.27);
  const coat = hsl(between(random, 0, 360), between(random, 0.15, 0.85), between(random, 0.22, 0.62));
  const trousers = hsl(between(random, 190, 260), between(random, 0.05, 0.4), between(random, 0.12, 0.38));
  const skin = pick(random, SKIN);
  const hair = pick(random, HAIR);
  const bag = random.next() < 0.35 ? hsl(between(random, 0, 360), 0.6, 0.4) : null;
  const hip = tall * 0.5;
  const neck = tall * 0.84;
  const swing = walked === null ? 0 : 0.3 * Math.sin((walked / 0.75) * Math.PI);
  const leg = (side: number): Face[] => {
    const foot = swing * side;
    const [z0, z1] = side < 0 ? [-wide * 0.75, -0.02] : [0.02, wide * 0.75];
    return extrude(
      [
        [foot - 0.07, 0],
        [foot + 0.1, 0],
        [0.1, hip],
        [-0.1, hip],
      ],
      z0,
      z1,
      trousers,
    );
  };
  const arm = (side: number): Face[] => {
    const hand = -swing * side * 0.9;
    const [z0, z1] = side < 0 ? [-wide - 0.1, -wide] : [wide, wide + 0.1];
    return extrude(
      [
        [hand - 0.05, hip],
        [hand + 0.06, hip],
        [0.08, neck - 0.03],
        [-0.08, neck - 0.03],
      ],
      z0,
      z1,
      [coat[0] * 0.85, coat[1] * 0.85, coat[2] * 0.85],
    );
  };
  const head = tall * 0.92;
  const turned = (face: Face): Face => ({
    ...face,
    points: face.points.map(([x, y, z]) => [
      x * Math.cos(facing) - z * Math.sin(facing),
      y,
      x * Math.sin(facing) + z * Math.cos(facing),
    ]),
  });
  return [
    ...leg(-1),
    ...leg(1),
    ...extrude(
      [
        [-0.15, hip - 0.12],
        [0.15, hip - 0.12],
        [0.13, neck],
        [-0.13, neck],
      ],
      -wide,
      wide,
      coat,
    ),
    ...arm(-1),
    ...arm(1),
    ...(bag === null ? [] : block([-0.32, -0.15], [hip + 0.1, neck - 0.08], [-wide * 0.7, wide * 0.7], bag)),
    ...block([-0.05, 0.05], [neck, head], [-0.05, 0.05], skin),
    turned(disc([0, head, 0.1], 0.125, skin, 10)),
    turned(disc([0, head + 0.045, 0.12], 0.13, hair, 10)),
    turned(disc([0.0, head - 0.03, 0.14], 0.095, skin, 10)),
  ];
}
