import type { Box } from '../../inference/image.ts';
import type { Lens } from './lens.ts';
import { HEIGHT, OVERSAMPLING, WIDTH } from './lens.ts';
import { STREET } from './street.ts';
import type { Vec3 } from './types.ts';

/** A block of the street, in metres, that a region of the image looks at. */
interface Place {
  readonly name: string;
  readonly from: Vec3;
  readonly to: Vec3;
}

const { nearLane, farLane, nearStop, farStop, sideLane, sideStop, signPost, nearKerb } = STREET;

/** Where the demonstration looks. */
export const PLACES: readonly Place[] = [
  { name: 'near-lane', from: [nearStop - 5.2, 0, nearLane - 0.9], to: [nearStop + 0.2, 2.2, nearLane + 0.9] },
  { name: 'far-lane', from: [farStop - 0.4, 0, farLane - 0.8], to: [farStop + 5, 2.3, farLane + 0.8] },
  { name: 'side-street', from: [sideLane - 1.1, 0, sideStop + 0.2], to: [sideLane + 1.1, 2.3, sideStop + 2] },
  { name: 'kerb', from: [-1.3, 0, nearKerb - 0.7], to: [-0.3, 1.9, nearKerb - 0.5] },
  {
    name: 'sign-post',
    from: [signPost[0] - 0.65, 1.3, signPost[2] - 0.05],
    to: [signPost[0] + 0.65, 2.8, signPost[2]],
  },
];

/** The box on the screen around a block of the street, cut at the image's edge. */
export function boxOf(lens: Lens, { from, to }: Place): Box {
  let [left, top, right, bottom] = [1, 1, 0, 0];
  for (let corner = 0; corner < 8; corner++) {
    const seen = lens.project([
      corner & 1 ? to[0] : from[0],
      corner & 2 ? to[1] : from[1],
      corner & 4 ? to[2] : from[2],
    ]);
    if (seen === null) continue;
    const x = seen.x / (WIDTH * OVERSAMPLING);
    const y = seen.y / (HEIGHT * OVERSAMPLING);
    left = Math.max(0, Math.min(left, x));
    right = Math.min(1, Math.max(right, x));
    top = Math.max(0, Math.min(top, y));
    bottom = Math.min(1, Math.max(bottom, y));
  }
  return [left, top, right - left, bottom - top];
}
