import type { Random } from '../../../core/random.ts';
import { between, pick } from '../chance.ts';
import type { Face, Rgb, Vec3 } from '../types.ts';
import { block, disc } from './solid.ts';

const RED: Rgb = [200, 26, 34];
const WHITE: Rgb = [244, 244, 240];
const BLUE: Rgb = [22, 84, 168];
const BLACK: Rgb = [24, 24, 26];
const YELLOW: Rgb = [250, 200, 30];

const SIGN_KINDS = ['stop', 'give-way', 'warning', 'limit', 'no-entry', 'mandatory', 'works', 'parking'] as const;
type SignKind = (typeof SIGN_KINDS)[number];

/** A post with a plate in the x-y plane, facing -z before it is turned. */
export function makeSign(random: Random): Face[] {
  const kind = pick(random, SIGN_KINDS);
  const size = between(random, 0.5, 0.62);
  const height = between(random, 2, 2.3);
  return [...block([-0.04, 0.04], [0, height + 0.3], [0, 0.08], [128, 130, 134]), ...plate(kind, size, height)];
}

function plate(kind: SignKind, size: number, y: number): Face[] {
  const layer = (index: number): number => -0.02 - 0.012 * index;
  const round = (index: number, radius: number, colour: Rgb, corners = 18, turn = 0): Face =>
    disc([0, y, layer(index)], radius, colour, corners, turn);
  const bar = (
    index: number,
    [x0, x1]: readonly [number, number],
    [y0, y1]: readonly [number, number],
    colour: Rgb,
  ): Face => ({
    points: (
      [
        [x0, y0],
        [x1, y0],
        [x1, y1],
        [x0, y1],
      ] as const
    ).map(([px, py]): Vec3 => [px * size, y + py * size, layer(index)]),
    colour,
  });
  const up = Math.PI / 2;
  switch (kind) {
    case 'stop':
      return [
        round(0, size * 1.05, WHITE, 8, Math.PI / 8),
        round(1, size * 0.96, RED, 8, Math.PI / 8),
        bar(2, [-0.6, 0.6], [-0.16, 0.16], WHITE),
      ];
    case 'give-way':
      return [round(0, size * 1.2, RED, 3, -up), round(1, size * 0.72, WHITE, 3, -up)];
    case 'warning':
      return [
        round(0, size * 1.2, RED, 3, up),
        round(1, size * 0.78, WHITE, 3, up),
        bar(2, [-0.07, 0.07], [-0.2, 0.35], BLACK),
      ];
    case 'limit':
      return [
        round(0, size, RED),
        round(1, size * 0.74, WHITE),
        bar(2, [-0.4, -0.08], [-0.3, 0.3], BLACK),
        bar(2, [0.1, 0.4], [-0.3, 0.3], BLACK),
        bar(3, [0.19, 0.31], [-0.17, 0.17], WHITE),
      ];
    case 'no-entry':
      return [round(0, size, RED), bar(1, [-0.7, 0.7], [-0.17, 0.17], WHITE)];
    case 'mandatory':
      return [round(0, size, BLUE), bar(1, [-0.1, 0.1], [-0.55, 0.3], WHITE), round(1, size * 0.36, WHITE, 3, up)];
    case 'works':
      return [
        round(0, size * 1.2, RED, 3, up),
        round(1, size * 0.8, YELLOW, 3, up),
        bar(2, [-0.25, 0.25], [-0.3, -0.12], BLACK),
        bar(2, [-0.05, 0.07], [-0.15, 0.3], BLACK),
      ];
    case 'parking':
      return [
        bar(0, [-0.85, 0.85], [-0.95, 0.95], WHITE),
        bar(1, [-0.78, 0.78], [-0.88, 0.88], BLUE),
        bar(2, [-0.35, -0.12], [-0.6, 0.6], WHITE),
        bar(2, [-0.12, 0.4], [0, 0.6], WHITE),
        bar(3, [-0.12, 0.18], [0.17, 0.4], BLUE),
      ];
  }
}
